"""The Open Inference Protocol V2 over REST.

One input tensor per request field, of shape [rows] or [rows, 1]; null stands for a missing value. Numbers are
taken as they are written, at double precision, whichever of FP32 and FP64 the tensor declares; INT32 bounds
what it says. An answer carries the request's id, or a new one. Keys that the protocol does not know are
ignored, as its extension mechanism asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from itertools import islice
from typing import Any

import msgspec

from slipway.contracts.request import REPORTED, Breach, RequestBroken, shown
from slipway.contracts.signature import as_json
from slipway.serving import binary_tensors, content
from slipway.serving.identity import Identities, checked, header_value
from slipway.serving.reading import Reader
from slipway.serving.replies import (
    Refused,
    Reply,
    Request,
    Route,
    details,
    encode,
    json_reply,
    refused,
    scored_reply,
)  # fmt: skip
from slipway.serving.scoring import Batch, Scored, Scorer
from slipway.serving.single_row import V2Row
from slipway.serving.v2_messages import InferRequest, Tensor, Wanted, keys

# The first datatype of each kind is the one that metadata tells.
# A whole float is an integer; in binary form only a float can be missing, as NaN.
DATATYPES = {"integer": ("INT64", "INT32", "FP64"), "number": ("FP64", "FP32", "INT64", "INT32"), "string": ("BYTES",)}
SHORTEST_VERSION = 8
PROTOCOL = "v2"
_INT32 = (-(2**31), 2**31 - 1)
_VERSIONED = re.compile(rf"(/v2/models/[^/]+)/versions/([0-9a-f]{{{SHORTEST_VERSION},64}})(/ready|/infer)?")


class Asked(msgspec.Struct):
    """A valid infer request: the caller's id, the outputs wanted (name to whether as bytes), and the rows."""

    identity: str
    wanted: dict[str, bool]
    batch: Batch


class OpenInference:
    """The V2 handlers for one scorer."""

    def __init__(self, scorer: Scorer, identities: Identities, ready: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._identities = identities
        self._ready = ready
        release = scorer.release
        self._model = release.model
        self._digest = release.digest
        self._outputs = {release.score_name: "FP64", release.decision_name: "BOOL"}
        self._kinds = {field.name: field.kind for field in release.fields}
        self._single = V2Row(release.fields, DATATYPES)
        self._reader = Reader(InferRequest, keys)
        self._metadata = json_reply(self.describe())
        facts = {"name": "slipway", "version": version("slipway"), "extensions": [binary_tensors.EXTENSION]}
        self._server = json_reply(facts)
        self._parts = self._row_template()

    def routes(self) -> dict[str, Route]:
        """Path to route; paths with a version are brought to these by :meth:`unversioned`."""
        model, template = f"/v2/models/{self._model}", "/v2/models/{model}"
        infer = f"{template}/infer"
        kinds = (content.JSON, content.BINARY)
        return {
            "/v2": self._get("/v2", lambda: self._server),
            "/v2/health/live": self._get("/v2/health/live", lambda: json_reply({"live": True})),
            "/v2/health/ready": self._get("/v2/health/ready", lambda: self._readiness({})),
            model: self._get(template, lambda: self._metadata),
            f"{model}/ready": self._get(f"{template}/ready", lambda: self._readiness({"name": self._model})),
            f"{model}/infer": Route(infer, PROTOCOL, {"POST": self.infer}, fault, kinds=kinds),
        }

    def unversioned(self, path: str) -> str:
        """The path without its version, where that is the digest of this release or begins it."""
        match = _VERSIONED.fullmatch(path)
        if match and self._digest.startswith(match[2]):
            return match[1] + (match[3] or "")
        return path

    def unknown(self, path: str) -> Refused:
        """What to say of a path below /v2/models that is not served."""
        return Refused(
            404,
            f"{path} is not served here.",
            f"This server has model {self._model!r}, version {self._digest}; GET /openapi.json lists all paths.",
        )

    def infer(self, request: Request) -> Reply:
        """Score the rows of a V2 infer request."""
        single = None if binary_tensors.HEADER in request.headers else self._single.read(request.body)
        if single is None:
            return self._infer_any(request)
        given, row = single
        identity = checked(given, "The id") if given else self._identities.of(request.headers)
        score, decision = self._scorer.answer_row(row, identity, PROTOCOL, request.started)
        before, between, after = self._parts
        body = b"".join((before, encode(identity), between, encode(score), after[decision]))
        return scored_reply(body, header_value(identity) if given else identity)

    def _row_template(self) -> tuple[bytes, bytes, tuple[bytes, bytes]]:
        """The bytes around id, score and decision (false, true) of an answer for one row."""
        identity, score = "<id>", 0.5
        wholes = [encode(self.answer(identity, Scored([score], [decision]))) for decision in (False, True)]
        before, _, rest = wholes[0].partition(encode(identity))
        between, _, negative = rest.partition(encode(score))
        positive = wholes[1][len(before) + len(encode(identity)) + len(between) + len(encode(score)) :]
        return before, between, (negative, positive)

    def _infer_any(self, request: Request) -> Reply:
        """Any infer request: every form, and every fault explained."""
        text, data = binary_tensors.split(request.body, request.headers.get(binary_tensors.HEADER))
        cursor = binary_tensors.Cursor(data)
        asked = self._reader.read(text, lambda message: self.check(message, cursor))
        identity = asked.identity or self._identities.of(request.headers)
        scored = self._scorer.answer(asked.batch, identity, PROTOCOL, request.started)
        answer = self.answer(identity, scored, asked.wanted)
        if any(asked.wanted.values()):
            return self._binary(identity, answer, asked.wanted)
        return scored_reply(encode(answer), header_value(identity))

    def check(self, message: InferRequest, cursor: binary_tensors.Cursor) -> Asked:
        """What a decoded request asks for; its tensors without data of their own take it from ``cursor``.

        Raises:
            Refused: 400, with the broken rules.
        """
        everything = bool(message.parameters and message.parameters.binary_data_output)
        wanted = self._wanted(message.outputs or [], everything)
        identity = checked(message.id or "", "The id")
        try:
            columns = self._columns(message.inputs, cursor)
            cursor.end()
            return Asked(identity, wanted, self._batch(columns))
        except RequestBroken as broken:
            raise refused(broken) from None

    def _batch(self, columns: Mapping[str, list[Any]]) -> Batch:
        rules = self._scorer.rules
        if all(len(values) == 1 for values in columns.values()):
            return Batch(row=rules.row({name: values[0] for name, values in columns.items()}))
        valid = rules.columns(columns)
        if not next(iter(valid.values())):
            raise Refused(400, "The batch is empty: every tensor has 0 rows.", "Send at least one row.")
        return Batch(columns=valid)

    def _columns(self, inputs: list[Tensor], cursor: binary_tensors.Cursor) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = {}
        breaches = []
        for tensor in inputs:
            name = tensor.name
            if name in columns:
                breaches.append(Breach(name, "duplicate", None, "two input tensors have this name"))
            kind = self._kinds.get(name)
            if kind is not None and tensor.datatype not in DATATYPES[kind]:
                message = f"{shown(tensor.datatype)} is none of {', '.join(DATATYPES[kind])}"
                breaches.append(Breach(name, "datatype", None, message))
            data = _data(tensor, cursor)
            if tensor.shape != [len(data)]:
                data, misshapen = _flattened(tensor, data)
                breaches.extend(misshapen)
            if tensor.datatype == "INT32":
                breaches.extend(_beyond_int32(name, data))
            columns[name] = data
        if breaches:
            raise RequestBroken(breaches)
        return columns

    def _wanted(self, outputs: list[Wanted], everything: bool) -> dict[str, bool]:
        """The outputs asked for, in order, and whether as bytes: an output's own word counts before the request's."""
        if not outputs:
            return dict.fromkeys(self._outputs, everything)
        wanted: dict[str, bool] = {}
        for output in outputs:
            if output.name not in self._outputs:
                raise Refused(400, f"There is no output {output.name!r}.", f"Outputs: {', '.join(self._outputs)}.")
            if output.name in wanted:
                raise Refused(400, "An output is asked for twice.", "Name each output once.")
            own = output.parameters.binary_data if output.parameters else None
            wanted[output.name] = own if isinstance(own, bool) else everything
        return wanted

    def answer(self, identity: str, scored: Scored, wanted: Mapping[str, bool] | None = None) -> dict[str, Any]:
        """The body of an answer, with the outputs ``wanted`` in their order, or with all."""
        columns: tuple[list[Any], list[Any]] = (scored.scores, scored.decisions)
        data = dict(zip(self._outputs, columns, strict=True))
        return {
            "model_name": self._model,
            "model_version": self._digest,
            "id": identity,
            "outputs": [
                {"name": name, "shape": [len(data[name])], "datatype": self._outputs[name], "data": data[name]}
                for name in wanted or self._outputs
            ],
        }

    def _binary(self, identity: str, answer: dict[str, Any], wanted: Mapping[str, bool]) -> Reply:
        """The answer with some outputs as bytes behind the JSON."""
        chunks = []
        for output in answer["outputs"]:
            if wanted[output["name"]]:
                chunks.append(binary_tensors.encoded(output["datatype"], output.pop("data")))
                output["parameters"] = {"binary_data_size": len(chunks[-1])}
        text = encode(answer)
        headers = [
            ("content-type", content.BINARY),
            (binary_tensors.HEADER, str(len(text))),
            ("x-request-id", header_value(identity)),
        ]
        return Reply(200, headers, b"".join((text, *chunks)))

    def describe(self) -> dict[str, Any]:
        """The model's metadata."""
        return {
            "name": self._model,
            "versions": [self._digest],
            "platform": "lightgbm",
            "inputs": [
                {"name": rules.pop("name"), "datatype": DATATYPES[rules["kind"]][0], "shape": [-1], "parameters": rules}
                for rules in as_json(self._scorer.fields)
            ],
            "outputs": [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in self._outputs.items()],
        }

    def _readiness(self, facts: dict[str, Any]) -> Reply:
        ready = self._ready()
        return json_reply({**facts, "ready": ready}, 200 if ready else 503)

    def _get(self, name: str, answer: Callable[[], Reply]) -> Route:
        return Route(name, PROTOCOL, {"GET": lambda request: answer()}, fault)


def fault(refusal: Refused) -> Reply:
    """A refusal in V2's words: ``error``, and ``details`` with field, rule, row and message of each breach."""
    said = {"error": str(refusal), "details": details(refusal.breaches)}
    return json_reply(said, refusal.status, refusal.headers)


def _data(tensor: Tensor, cursor: binary_tensors.Cursor) -> list[Any]:
    size = tensor.parameters.binary_data_size if tensor.parameters else None
    if isinstance(size, int):
        if tensor.data is not msgspec.UNSET:
            raise Refused(400, f"Tensor {tensor.name!r} has data and a binary_data_size.", "Send one of the two.")
        return cursor.take(tensor.name, tensor.datatype, tensor.shape, size)
    if tensor.data is msgspec.UNSET:
        raise Refused(400, f"Tensor {tensor.name!r} has no data.", "Send data, or bytes and a binary_data_size.")
    return tensor.data


def _flattened(tensor: Tensor, data: list[Any]) -> tuple[list[Any], list[Breach]]:
    """The data of a tensor of shape [rows, 1], flat or nested, as of shape [rows]."""
    rows = len(data)
    if tensor.shape == [rows, 1]:
        nested = all(type(value) is list and len(value) == 1 for value in data)
        return [value[0] for value in data] if nested else data, []
    message = f"shape {str(tensor.shape)[:60]} does not fit data of {rows} rows; it must be [{rows}] or [{rows}, 1]"
    return data, [Breach(tensor.name, "shape", None, message)]


def _beyond_int32(name: str, data: list[Any]) -> list[Breach]:
    beyond = (
        Breach(name, "datatype", row, f"{shown(value)} does not fit into INT32")
        for row, value in enumerate(data)
        if type(value) is int and not _INT32[0] <= value <= _INT32[1]
    )
    return list(islice(beyond, REPORTED))
