"""The Open Inference Protocol V2 over REST.

One input tensor per request field, of shape [rows] or [rows, 1]; null stands for a missing value. Numbers are
taken as they are written, at double precision, whichever of FP32 and FP64 the tensor declares; INT32 bounds
what it says. An answer carries the request's id, or a new one. Keys that the protocol does not know are
ignored, as its extension mechanism asks.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from slipway.contracts.request import REPORTED, Breach, RequestBroken, shown
from slipway.contracts.signature import as_json
from slipway.serving.reading import Reader
from slipway.serving.replies import Headers, Refused, Reply, Route, details, json_reply, refused
from slipway.serving.scoring import Batch, Scored, Scorer

# The first datatype of each kind is the one that metadata tells.
DATATYPES = {"integer": ("INT64", "INT32"), "number": ("FP64", "FP32", "INT64", "INT32"), "string": ("BYTES",)}
LONGEST_ID = 256
SHORTEST_VERSION = 8
_INT32 = (-(2**31), 2**31 - 1)
_VERSIONED = re.compile(rf"(/v2/models/[^/]+)/versions/([0-9a-f]{{{SHORTEST_VERSION},64}})(/ready|/infer)?")


class Tensor(msgspec.Struct):
    """One input."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class Wanted(msgspec.Struct):
    """One output that the caller asks for."""

    name: str


class InferRequest(msgspec.Struct):
    """The body of an infer request."""

    inputs: list[Tensor]
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    outputs: list[Wanted] | msgspec.UnsetType | None = msgspec.UNSET


class OpenInference:
    """The V2 handlers for one scorer."""

    def __init__(self, scorer: Scorer, ready: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._ready = ready
        release = scorer.release
        self._model = release.model
        self._digest = release.digest
        self._outputs = {release.score_name: "FP64", release.decision_name: "BOOL"}
        self._kinds = {field.name: field.kind for field in release.fields}
        self._reader = Reader(InferRequest, _keys, self._check)
        self._metadata = json_reply(self._describe())
        self._server = json_reply({"name": "slipway", "version": version("slipway"), "extensions": []})

    def routes(self) -> dict[str, Route]:
        """Path to route; paths with a version are brought to these by :meth:`unversioned`."""
        model = f"/v2/models/{self._model}"
        return {
            "/v2": self._get(lambda: self._server),
            "/v2/health/live": self._get(lambda: json_reply({"live": True})),
            "/v2/health/ready": self._get(lambda: self._readiness({})),
            model: self._get(lambda: self._metadata),
            f"{model}/ready": self._get(lambda: self._readiness({"name": self._model})),
            f"{model}/infer": Route({"POST": self.infer}, fault),
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

    def infer(self, body: bytes, headers: Headers) -> Reply:
        """Score the rows of a V2 infer request."""
        identity, wanted, batch = self._reader.read(body)
        return json_reply(self._answer(identity, wanted, self._scorer.score(batch)))

    def _check(self, request: InferRequest) -> tuple[str, list[str], Batch]:
        wanted = self._wanted(request.outputs or [])
        identity = request.id or str(uuid.uuid4())
        if len(identity) > LONGEST_ID:
            raise Refused(400, f"The id has {len(identity)} characters; at most {LONGEST_ID} are allowed.")
        try:
            return identity, wanted, self._batch(self._columns(request.inputs))
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

    def _columns(self, inputs: list[Tensor]) -> dict[str, list[Any]]:
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
            if tensor.shape != [len(tensor.data)]:
                breaches.extend(_flatten(tensor))
            if tensor.datatype == "INT32":
                breaches.extend(_beyond_int32(tensor))
            columns[name] = tensor.data
        if breaches:
            raise RequestBroken(breaches[:REPORTED])
        return columns

    def _wanted(self, outputs: list[Wanted]) -> list[str]:
        names = [output.name for output in outputs] or list(self._outputs)
        for name in names:
            if name not in self._outputs:
                raise Refused(400, f"There is no output {name!r}.", f"Outputs: {', '.join(self._outputs)}.")
        if len(set(names)) != len(names):
            raise Refused(400, "An output is asked for twice.", "Name each output once.")
        return names

    def _answer(self, identity: str, wanted: list[str], scored: Scored) -> dict[str, Any]:
        columns: tuple[list[Any], list[Any]] = (scored.scores, scored.decisions)
        data = dict(zip(self._outputs, columns, strict=True))
        return {
            "model_name": self._model,
            "model_version": self._digest,
            "id": identity,
            "outputs": [
                {"name": name, "shape": [len(data[name])], "datatype": self._outputs[name], "data": data[name]}
                for name in wanted
            ],
        }

    def _describe(self) -> dict[str, Any]:
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

    def _get(self, answer: Callable[[], Reply]) -> Route:
        return Route({"GET": lambda body, headers: answer()}, fault)


def fault(refusal: Refused) -> Reply:
    """A refusal in V2's words: ``error``, and ``details`` with field, rule, row and message of each breach."""
    content = {"error": str(refusal), "details": details(refusal.breaches)}
    return json_reply(content, refusal.status, refusal.headers)


def _keys(request: InferRequest) -> int:
    given = (request.id is not msgspec.UNSET) + (request.outputs is not msgspec.UNSET)
    return 1 + given + len(request.outputs or ()) + len(Tensor.__struct_fields__) * len(request.inputs)


def _flatten(tensor: Tensor) -> list[Breach]:
    """Bring a tensor of shape [rows, 1], its data flat or nested, to shape [rows]."""
    rows = len(tensor.data)
    if tensor.shape == [rows, 1]:
        if all(type(value) is list and len(value) == 1 for value in tensor.data):
            tensor.data = [value[0] for value in tensor.data]
        return []
    message = f"shape {str(tensor.shape)[:60]} does not fit data of {rows} rows; it must be [{rows}] or [{rows}, 1]"
    return [Breach(tensor.name, "shape", None, message)]


def _beyond_int32(tensor: Tensor) -> list[Breach]:
    return [
        Breach(tensor.name, "datatype", row, f"{shown(value)} does not fit into INT32")
        for row, value in enumerate(tensor.data)
        if type(value) is int and not _INT32[0] <= value <= _INT32[1]
    ]
