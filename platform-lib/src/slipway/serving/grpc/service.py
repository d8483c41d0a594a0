"""The six methods, each behind a wall that turns a refusal into a status and counts it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

import grpc

from slipway.serving.binary_tensors import Cursor
from slipway.serving.grpc import messages
from slipway.serving.grpc import open_inference_pb2 as pb
from slipway.serving.grpc.counting import PROTOCOL
from slipway.serving.identity import Identities
from slipway.serving.metrics import RouteFigures
from slipway.serving.open_inference import SHORTEST_VERSION, OpenInference
from slipway.serving.replies import Refused
from slipway.serving.scoring import Scorer

log = logging.getLogger("slipway.serving")

_CODES = {
    404: grpc.StatusCode.NOT_FOUND, 413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL, 503: grpc.StatusCode.UNAVAILABLE,
}  # fmt: skip
# A status travels as a header, percent-encoded; clients refuse headers beyond 8 KiB.
_LONGEST_MESSAGE = 2000

Context = Any
Method = Callable[[Any, Context], Awaitable[Any]]


class Service:
    """The methods of inference.GRPCInferenceService for one scorer."""

    def __init__(self, scorer: Scorer, ready: Callable[[], bool]) -> None:
        self._scorer = scorer
        self._metrics = scorer.metrics
        self._ready = ready
        self._identities = Identities()
        self._v2 = OpenInference(scorer, self._identities, ready)
        self._model = scorer.release.model
        self._digest = scorer.release.digest
        self.ServerLive = self._walled("ServerLive", self._live)
        self.ServerReady = self._walled("ServerReady", self._server_ready)
        self.ModelReady = self._walled("ModelReady", self._model_ready)
        self.ServerMetadata = self._walled("ServerMetadata", self._server_metadata)
        self.ModelMetadata = self._walled("ModelMetadata", self._model_metadata)
        self.ModelInfer = self._walled("ModelInfer", self._infer)

    def _walled(self, name: str, answer: Callable[[Any, Context, float], Any]) -> Method:
        figures, metrics = self._metrics.route(PROTOCOL, name), self._metrics

        async def method(request: Any, context: Context) -> Any:
            started = perf_counter()
            metrics.in_flight += 1
            try:
                if isinstance(request, Refused):
                    raise request
                reply = answer(request, context, started)
            except Exception as error:
                refusal = self._refusal(name, error)
            else:
                _count(figures, 200, started)
                return reply
            finally:
                metrics.in_flight -= 1
            _count(figures, refusal.status, started)
            code = _CODES.get(refusal.status, grpc.StatusCode.INVALID_ARGUMENT)
            return await context.abort(code, str(refusal)[:_LONGEST_MESSAGE])

        return method

    def _refusal(self, name: str, error: Exception) -> Refused:
        if isinstance(error, Refused):
            for breach in error.breaches:
                self._metrics.failures[breach.rule] += 1
            return error
        incident = uuid.uuid4().hex
        log.error("internal fault %s at %s", incident, name, exc_info=error)
        return Refused(500, f"Internal fault {incident}.", "Quote this id to the operator.")

    def _live(self, request: pb.ServerLiveRequest, context: Context, started: float) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    def _server_ready(self, request: pb.ServerReadyRequest, context: Context, started: float) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._ready())

    def _model_ready(self, request: pb.ModelReadyRequest, context: Context, started: float) -> pb.ModelReadyResponse:
        self._check_model(request.name, request.version)
        return pb.ModelReadyResponse(ready=self._ready())

    def _server_metadata(
        self, request: pb.ServerMetadataRequest, context: Context, started: float
    ) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(name="slipway", version=version("slipway"))

    def _model_metadata(
        self, request: pb.ModelMetadataRequest, context: Context, started: float
    ) -> pb.ModelMetadataResponse:
        self._check_model(request.name, request.version)
        return messages.described(self._v2.describe())

    def _infer(self, request: pb.ModelInferRequest, context: Context, started: float) -> pb.ModelInferResponse:
        self._check_model(request.model_name, request.model_version)
        message, data = messages.decoded(request)
        cursor = Cursor(data)
        asked = self._v2.check(message, cursor)
        identity = asked.identity or self._identities.of(dict(context.invocation_metadata() or ()))
        scored = self._scorer.answer(asked.batch, identity, PROTOCOL, started)
        answer = self._v2.answer(identity, scored, asked.wanted)
        return messages.encoded(answer, raw=bool(request.raw_input_contents))

    def _check_model(self, name: str, given: str) -> None:
        fits = not given or (len(given) >= SHORTEST_VERSION and self._digest.startswith(given))
        if name != self._model or not fits:
            what = f"There is no model {name!r}" + (f", version {given!r}." if given else ".")
            raise Refused(404, what, f"This server has model {self._model!r}, version {self._digest}.")


def _count(figures: RouteFigures, status: int, started: float) -> None:
    figures.codes[status] += 1
    figures.duration.observe(perf_counter() - started)
