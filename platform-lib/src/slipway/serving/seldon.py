"""Seldon's v1 protocol over REST: what ``seldon-core-microservice`` answers, for this release.

Rows come as ``data.ndarray``, as ``data.tensor`` (numbers only, by its definition) or as ``jsonData``, a map of
field to value or a list of such maps. As with Seldon, an answer that is not all numbers is an ndarray. What is
wrong with the data stands in ``meta.tags.details``: ``status`` has no room for it, and Seldon's own clients
refuse keys that their message does not define.

Like the wrapper, it takes a message as the body, or as ``json=`` in a form or in a query: so does Seldon's client
when it asks a microservice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from slipway.contracts.request import REPORTED, Breach, RequestBroken, first_doubled
from slipway.request_log import Feedback
from slipway.serving import content
from slipway.serving.identity import Identities, checked, header_value
from slipway.serving.reading import Reader
from slipway.serving.replies import (
    Handler,
    Refused,
    Reply,
    Request,
    Route,
    details,
    encode,
    json_reply,
    refused,
    scored_reply,
    text_reply,
)  # fmt: skip
from slipway.serving.scoring import Batch, Scored, Scorer
from slipway.serving.seldon_messages import Data, FeedbackMessage, Message, Tensor, Truth, keys
from slipway.serving.single_row import SeldonRow

PROTOCOL = "seldon"
PREDICT = ("/api/v1.0/predictions", "/api/v0.1/predictions")
FEEDBACK = ("/api/v1.0/feedback", "/api/v0.1/feedback")
_KINDS = (content.JSON, content.FORM)


class Seldon:
    """The Seldon handlers for one scorer."""

    def __init__(self, scorer: Scorer, identities: Identities, ready: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._identities = identities
        self._ready = ready
        self._names = list(scorer.rules.names)
        release = scorer.release
        self._columns = [release.score_name, release.decision_name]
        self._tags = {"release": release.digest, "model": release.model}
        self._single = SeldonRow(release.fields)
        self._reader = Reader(Message, keys)
        self._feedback_reader = Reader(FeedbackMessage)
        self._metadata = json_reply(self._describe())
        self._parts = self._row_template()

    def routes(self) -> dict[str, Route]:
        """Path to route."""
        return {
            **{path: _post(path, self.predict) for path in PREDICT},
            **{path: _post(path, self.feedback) for path in FEEDBACK},
            "/predict": _any("/predict", self.predict),
            "/send-feedback": _any("/send-feedback", self.feedback),
            "/health/ping": _get("/health/ping", lambda: text_reply("pong")),
            **{path: _get(path, self._status) for path in ("/health/status", "/api/v1.0/health/status")},
            "/live": _get("/live", lambda: text_reply("live")),
            "/ready": _get("/ready", lambda: text_reply("ready") if self._ready() else text_reply("not ready", 503)),
            **{path: _get(path, lambda: self._metadata) for path in ("/metadata", "/api/v1.0/metadata")},
        }

    def predict(self, request: Request) -> Reply:
        """Score the rows of a SeldonMessage."""
        single = self._single.read(request.body)
        if single is None:
            return self._predict_any(request)
        given, row = single
        identity = checked(given, "meta.puid") if given else self._identities.of(request.headers)
        score, decision = self._scorer.answer_row(row, identity, PROTOCOL, request.started)
        before, between, after = self._parts
        body = b"".join((before, encode(score), between[decision], encode(identity), after))
        return scored_reply(body, header_value(identity) if given else identity)

    def _row_template(self) -> tuple[bytes, tuple[bytes, bytes], bytes]:
        """The bytes around score (false, true) and id of an answer for one row."""
        identity, score = "<id>", 0.5
        wholes = [encode(self._answer(identity, Scored([score], [decision]))) for decision in (False, True)]
        before, _, rest = wholes[0].partition(encode(score))
        negative, _, after = rest.partition(encode(identity))
        positive = wholes[1].removeprefix(before + encode(score)).removesuffix(encode(identity) + after)
        return before, (negative, positive), after

    def _predict_any(self, request: Request) -> Reply:
        """Any prediction request: every form, and every fault explained."""
        given, batch = self._reader.read(request.body, self.check)
        identity = given or self._identities.of(request.headers)
        scored = self._scorer.answer(batch, identity, PROTOCOL, request.started)
        return scored_reply(encode(self._answer(identity, scored)), header_value(identity))

    def check(self, message: Message) -> tuple[str, Batch]:
        """The caller's id and the valid rows of a decoded request.

        Raises:
            Refused: 400, with the broken rules.
        """
        identity = checked((message.meta.puid if message.meta else "") or "", "meta.puid")
        rows = self._rows(message)
        if not rows:
            raise Refused(400, "The batch is empty: there are 0 rows.", "Send at least one row.")
        try:
            rules = self._scorer.rules
            return identity, Batch(row=rules.row(rows[0])) if len(rows) == 1 else Batch(columns=rules.rows(rows))
        except RequestBroken as broken:
            raise refused(broken) from None

    def feedback(self, request: Request) -> Reply:
        """Take what turned out to be true of an answered request, and answer as the wrapper does: without data."""
        record = self._feedback_reader.read(request.body, _feedback)
        self._scorer.metrics.feedback += 1
        if self._scorer.log is not None:
            self._scorer.log.feedback(record)
        answer = {"data": {"ndarray": []}, "meta": {"puid": record.id, "tags": self._tags}}
        return scored_reply(encode(answer), header_value(record.id))

    def _rows(self, message: Message) -> Sequence[Mapping[str, Any]]:
        match message.data, message.jsonData:
            case Data() as data, msgspec.UNSET:
                return _paired(_distinct(data.names or self._names), _table(data))
            case msgspec.UNSET, dict() as row:
                return [row]
            case msgspec.UNSET, list() as rows:
                return rows
        raise Refused(
            400, "The message must hold data or jsonData, and not both.", "binData and strData hold no fields."
        )

    def _answer(self, identity: str, scored: Scored) -> dict[str, Any]:
        return {
            "data": {
                "names": self._columns,
                "ndarray": [list(pair) for pair in zip(scored.scores, scored.decisions, strict=True)],
            },
            "meta": {"puid": identity, "tags": self._tags},
        }

    def _status(self) -> Reply:
        ready = self._ready()
        said = {"strData": "ready" if ready else "not ready", "meta": {"tags": self._tags}}
        return json_reply(said, 200 if ready else 503)

    def _describe(self) -> dict[str, Any]:
        def message(names: list[str]) -> list[dict[str, Any]]:
            return [{"messagetype": "ndarray", "schema": {"names": names, "shape": [len(names)]}}]

        return {
            "name": self._scorer.release.model,
            "versions": [self._scorer.release.digest],
            "platform": "lightgbm",
            "inputs": message(self._names),
            "outputs": message(self._columns),
            "custom": {},
        }


def fault(refusal: Refused) -> Reply:
    """A refusal in Seldon's words."""
    said: dict[str, Any] = {
        "status": {
            "code": refusal.status,
            "info": str(refusal),
            "reason": "MICROSERVICE_BAD_DATA" if refusal.status < 500 else "MICROSERVICE_INTERNAL_ERROR",
            "status": "FAILURE",
        },
        "meta": {"tags": {"details": details(refusal.breaches)}},
    }
    return json_reply(said, refusal.status, refusal.headers)


def _get(name: str, answer: Callable[[], Reply]) -> Route:
    return Route(name, PROTOCOL, {"GET": lambda request: answer()}, fault)


def _post(name: str, handler: Handler) -> Route:
    return Route(name, PROTOCOL, {"POST": handler}, fault, kinds=_KINDS)


def _any(name: str, handler: Handler) -> Route:
    """A route of the wrapper itself, which takes a message in the query of a GET too."""
    return Route(name, PROTOCOL, {"GET": handler, "POST": handler}, fault, kinds=_KINDS, query=True)


def _feedback(message: FeedbackMessage) -> Feedback:
    """The record of a feedback message.

    Without labels it is a reward, for all rows of the request.

    Raises:
        Refused: 400 when it does not say which request it is about, or its truth is no list of labels.
    """
    metas = [said.meta for said in (message.response, message.request) if said and said.meta]
    named = [checked(meta.puid, "meta.puid") for meta in metas if meta.puid]
    if not named:
        what = "The feedback does not say which request it is about."
        raise Refused(400, what, "Send response.meta.puid (or request.meta.puid), as the answer had it.")
    truth = _labels(message.truth) if message.truth else []
    reward = None if message.reward is msgspec.UNSET else message.reward
    if not truth and reward is None:
        reward = 0.0  # Protobuf, and so Seldon's client, leaves a reward of zero out.
    return Feedback(named[0], time.time_ns(), truth, reward)


def _labels(truth: Truth) -> list[Any]:
    """One label per row. A release decides yes or no, so a label is 1 or true, 0 or false, or null where unknown."""
    values = _given(truth)
    flat = [value[0] if type(value) is list and len(value) == 1 else value for value in values]
    breaches = [
        Breach("truth", "label", row, "a label is 0, 1, false, true or, where it is not known, null")
        for row, label in enumerate(flat)
        if label is not None and (type(label) not in (bool, int, float) or label not in (0, 1))
    ]
    if breaches:
        raise refused(RequestBroken(breaches))
    return flat


def _given(truth: Truth) -> list[Any]:
    if truth.strData is msgspec.UNSET and truth.binData is msgspec.UNSET:
        match truth.data, truth.jsonData:
            case Data(ndarray=list() as values, tensor=msgspec.UNSET), msgspec.UNSET:
                return values
            case Data(ndarray=msgspec.UNSET, tensor=Tensor(values=values)), msgspec.UNSET:
                return values
            case msgspec.UNSET, list() as values:
                return values
            case msgspec.UNSET, (bool() | int() | float() | None | str()) as label:
                return [label]
            case msgspec.UNSET, msgspec.UNSET:
                return []
    what = "truth must hold labels as one of data.ndarray, data.tensor and jsonData."
    raise Refused(400, what, "Send one label per row.")


def _table(data: Data) -> list[Any]:
    match data.ndarray, data.tensor:
        case list() as table, msgspec.UNSET:
            return table
        case msgspec.UNSET, Tensor() as tensor:
            return _reshaped(tensor)
    raise Refused(400, "data must hold ndarray or tensor, and not both.")


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        doubled = first_doubled(names)
        raise refused(RequestBroken([Breach(doubled, "duplicate", None, "two columns have this name")]))
    return names


def _paired(names: list[str], table: list[Any]) -> list[dict[str, Any]]:
    breaches = []
    for number, row in enumerate(table):
        if type(row) is not list:
            remedy = "Send an array of rows, each an array of values."
            raise Refused(400, f"Row {number} of data is not an array.", remedy)
        if len(row) != len(names):
            field = names[len(row)] if len(row) < len(names) else names[-1]
            message = f"the row has {len(row)} values for {len(names)} columns"
            breaches.append(Breach(field, "length", number, message))
            if len(breaches) == REPORTED:
                break
    if breaches:
        raise refused(RequestBroken(breaches))
    return [dict(zip(names, row, strict=True)) for row in table]


def _reshaped(tensor: Tensor) -> list[Any]:
    """The rows of a tensor of shape [rows, columns]."""
    shape = tensor.shape
    if len(shape) != 2 or min(shape) < 0 or shape[0] * shape[1] != len(tensor.values):
        what = f"tensor.shape {str(shape)[:60]} does not fit {len(tensor.values)} values."
        raise Refused(400, what, "It must be [rows, columns], with rows times columns values.")
    for number, value in enumerate(tensor.values):
        if type(value) not in (int, float):
            what = f"tensor.values[{number}] is not a number; a Seldon tensor holds numbers only."
            raise Refused(400, what, "Send fields of text, and null, as data.ndarray or jsonData.")
    width = shape[1]
    return [tensor.values[start * width : (start + 1) * width] for start in range(shape[0])]
