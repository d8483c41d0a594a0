"""Seldon's v1 protocol over REST: what ``seldon-core-microservice`` answers, for this release.

Rows come as ``data.ndarray``, as ``data.tensor`` (numbers only, by its definition) or as ``jsonData``, a map of
field to value or a list of such maps. As with Seldon, an answer that is not all numbers is an ndarray. What is
wrong with the data stands in ``meta.tags.details``: ``status`` has no room for it, and Seldon's own clients
refuse keys that their message does not define.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from slipway.contracts.request import REPORTED, Breach, RequestBroken
from slipway.serving.reading import Reader
from slipway.serving.replies import Headers, Refused, Reply, Route, details, json_reply, refused, text_reply
from slipway.serving.scoring import Batch, Scored, Scorer

LONGEST_ID = 256
PREDICT = ("/api/v1.0/predictions", "/predict")


class Tensor(msgspec.Struct):
    """Numbers, row after row."""

    shape: list[int]
    values: list[Any]


class Data(msgspec.Struct):
    """Rows, with or without the names of their columns."""

    names: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    ndarray: list[Any] | msgspec.UnsetType = msgspec.UNSET
    tensor: Tensor | msgspec.UnsetType = msgspec.UNSET


class Meta(msgspec.Struct):
    """What Seldon's clients send beside the data; only the id is used."""

    puid: str | msgspec.UnsetType = msgspec.UNSET


class Message(msgspec.Struct):
    """The body of a prediction request."""

    data: Data | msgspec.UnsetType = msgspec.UNSET
    jsonData: dict[str, Any] | list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    meta: Meta | msgspec.UnsetType = msgspec.UNSET


class Seldon:
    """The Seldon handlers for one scorer."""

    def __init__(self, scorer: Scorer, ready: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._ready = ready
        self._names = list(scorer.rules.names)
        release = scorer.release
        self._columns = [release.score_name, release.decision_name]
        self._tags = {"release": release.digest, "model": release.model}
        self._reader = Reader(Message, _keys, self._check)
        self._metadata = json_reply(self._describe())

    def routes(self) -> dict[str, Route]:
        """Path to route."""
        predict = Route({"POST": self.predict}, fault)
        return {
            **dict.fromkeys(PREDICT, predict),
            "/health/ping": _get(lambda: text_reply("pong")),
            "/health/status": _get(self._status),
            "/live": _get(lambda: text_reply("live")),
            "/ready": _get(lambda: text_reply("ready") if self._ready() else text_reply("not ready", 503)),
            "/metadata": _get(lambda: self._metadata),
        }

    def predict(self, body: bytes, headers: Headers) -> Reply:
        """Score the rows of a SeldonMessage."""
        identity, batch = self._reader.read(body)
        return json_reply(self._answer(identity, self._scorer.score(batch)))

    def _check(self, message: Message) -> tuple[str, Batch]:
        identity = (message.meta.puid if message.meta else "") or uuid.uuid4().hex
        if len(identity) > LONGEST_ID:
            raise Refused(400, f"meta.puid has {len(identity)} characters; at most {LONGEST_ID} are allowed.")
        rows = self._rows(message)
        if not rows:
            raise Refused(400, "The batch is empty: there are 0 rows.", "Send at least one row.")
        try:
            rules = self._scorer.rules
            return identity, Batch(row=rules.row(rows[0])) if len(rows) == 1 else Batch(columns=rules.rows(rows))
        except RequestBroken as broken:
            raise refused(broken) from None

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
        content = {"strData": "ready" if ready else "not ready", "meta": {"tags": self._tags}}
        return json_reply(content, 200 if ready else 503)

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
    content: dict[str, Any] = {
        "status": {
            "code": refusal.status,
            "info": str(refusal),
            "reason": "MICROSERVICE_BAD_DATA" if refusal.status < 500 else "MICROSERVICE_INTERNAL_ERROR",
            "status": "FAILURE",
        },
        "meta": {"tags": {"details": details(refusal.breaches)}},
    }
    return json_reply(content, refusal.status, refusal.headers)


def _get(answer: Callable[[], Reply]) -> Route:
    return Route({"GET": lambda body, headers: answer()}, fault)


def _keys(message: Message) -> int:
    count = 0
    if message.data is not msgspec.UNSET:
        data = message.data
        has_tensor = data.tensor is not msgspec.UNSET
        count += 1 + (data.names is not msgspec.UNSET) + (data.ndarray is not msgspec.UNSET) + 3 * has_tensor
    if message.jsonData is not msgspec.UNSET:
        rows = message.jsonData if isinstance(message.jsonData, list) else [message.jsonData]
        count += 1 + sum(map(len, rows))
    if message.meta is not msgspec.UNSET:
        count += 1 + (message.meta.puid is not msgspec.UNSET)
    return count


def _table(data: Data) -> list[Any]:
    match data.ndarray, data.tensor:
        case list() as table, msgspec.UNSET:
            return table
        case msgspec.UNSET, Tensor() as tensor:
            return _reshaped(tensor)
    raise Refused(400, "data must hold ndarray or tensor, and not both.")


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        doubled = next(name for name in names if names.count(name) > 1)
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
    if breaches:
        raise refused(RequestBroken(breaches[:REPORTED]))
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
