"""The RSGI application: from a request on the wire to a handler and back, with a wall around the handler."""

from __future__ import annotations

import asyncio
import logging
import uuid
from time import perf_counter
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from slipway.serving.content import DISCARDED, FORM, check_content, form_json, too_long, too_slow
from slipway.serving.identity import HEADER, Identities, header_value
from slipway.serving.open_inference import OpenInference
from slipway.serving.open_inference import fault as v2_fault
from slipway.serving.openapi import document
from slipway.serving.replies import Fault, Headers, Refused, Reply, Request, Route, json_reply
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import Seldon
from slipway.serving.seldon import fault as seldon_fault
from slipway.serving.settings import Settings

log = logging.getLogger("slipway.serving")

# What nginx counts when a client went away before it was answered.
CLIENT_GONE = 499
UNKNOWN = "unknown"


class Scope(Protocol):
    """What the app uses of an RSGI scope."""

    method: str
    path: str
    query_string: str
    headers: Headers


class App:
    """Serves one release.

    Attributes:
        ready: what the readiness paths answer; the server sets it.
        closing: whether answers tell the client to leave (``connection: close``); the server sets it.
        metrics: what is counted.
    """

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self.ready = False
        self.closing = False
        self.metrics = scorer.metrics
        self.metrics.ready = lambda: self.ready
        self._settings = settings
        self._limit = settings.max_body_bytes
        self._identities = Identities()
        self._arriving: dict[Any, float] = {}
        self._v2 = OpenInference(scorer, self._identities, lambda: self.ready)
        seldon = Seldon(scorer, self._identities, lambda: self.ready)
        openapi = json_reply(document(scorer, settings))
        routes = {
            **self._v2.routes(),
            **seldon.routes(),
            "/openapi.json": Route("/openapi.json", "other", {"GET": lambda request: openapi}, v2_fault),
            "/metrics": Route("/metrics", "other", {"GET": self._exposition}, v2_fault),
        }
        self._routes = {path: (route, self.metrics.route(route.protocol, route.name)) for path, route in routes.items()}
        nowhere = Route(UNKNOWN, "other", {}, v2_fault)
        self._unknown = nowhere, self.metrics.route(nowhere.protocol, nowhere.name)

    async def __rsgi__(self, scope: Scope, protocol: Any) -> None:
        """Answer one request, whatever happens: nothing of an internal fault but its id gets out."""
        started = perf_counter()
        path = scope.path
        route, figures = self._routes.get(path) or self._routes.get(self._v2.unversioned(path)) or self._unknown
        try:
            if scope.method == "POST" and (handler := route.handlers.get("POST")):
                self.metrics.in_flight += 1
                try:
                    headers = scope.headers
                    kind = check_content(headers, route.kinds)
                    body = await self._body(headers, protocol, started)
                    reply = handler(Request(body if kind != FORM else _form_body(body), headers, started))
                finally:
                    self.metrics.in_flight -= 1
            else:
                reply = self._without_body(scope, route, started)
        except (ProtocolClosed, ProtocolError):
            figures.codes[CLIENT_GONE] += 1
            return
        except Exception as error:
            reply = self._refusal(error, scope, route)
        if self.closing:
            reply.headers = [*reply.headers, ("connection", "close")]
        protocol.response_bytes(reply.status, reply.headers, reply.body)
        figures.codes[reply.status] += 1
        figures.duration.observe(perf_counter() - started)

    def _without_body(self, scope: Scope, route: Route, started: float) -> Reply:
        if not route.handlers:
            raise self._v2.unknown(scope.path)
        handler = route.handlers.get(scope.method)
        if handler is None:
            raise _wrong_method(scope, route)
        return handler(Request(form_json(scope.query_string) if route.query else b"", scope.headers, started))

    async def _body(self, headers: Headers, protocol: Any, started: float) -> bytes:
        length = int(headers.get("content-length", -1))
        if not 0 <= length <= self._limit:
            return await self._long_body(protocol, length, "expect" in headers)
        # A timer for each body would cost more than reading it; expire() looks after those that are late.
        arriving = protocol()
        self._arriving[arriving] = started
        try:
            return await arriving  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            if arriving in self._arriving:
                raise
            raise too_slow(self._settings.body_seconds) from None
        finally:
            self._arriving.pop(arriving, None)

    def expire(self) -> None:
        """Refuse the requests whose body is late; called every now and then."""
        earliest = perf_counter() - self._settings.body_seconds
        for arriving in [arriving for arriving, started in self._arriving.items() if started < earliest]:
            del self._arriving[arriving]
            arriving.cancel()

    async def _long_body(self, protocol: Any, length: int, expects: bool) -> bytes:
        """A body of unknown length, or one that is too long: it is dropped and refused."""
        if length > DISCARDED or (length > self._limit and expects):
            raise too_long(self._limit)
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await _chunks(protocol, self._limit)
        except TimeoutError:
            if length > self._limit:
                raise too_long(self._limit) from None
            raise too_slow(self._settings.body_seconds) from None

    def _refusal(self, error: Exception, scope: Scope, route: Route) -> Reply:
        identity = self._identity(scope)
        if isinstance(error, Refused):
            refusal = error
            for breach in refusal.breaches:
                self.metrics.failures[breach.rule] += 1
        else:
            incident = uuid.uuid4().hex
            log.error(
                "internal fault %s at %s %s", incident, scope.method, scope.path,
                exc_info=error, extra={"request_id": identity},
            )  # fmt: skip
            refusal = Refused(500, f"Internal fault {incident}.", "Quote this id to the operator.")
        fault = route.fault if route.handlers else _fault_of(scope.path)
        reply = fault(refusal)
        reply.headers.append((HEADER, header_value(identity)))
        return reply

    def _identity(self, scope: Scope) -> str:
        try:
            return self._identities.of(scope.headers)
        except Refused:
            return self._identities.new()

    def _exposition(self, request: Request) -> Reply:
        body, kind = self.metrics.exposition(request.headers.get("accept", ""))
        return Reply(200, [("content-type", kind)], body)


def _fault_of(path: str) -> Fault:
    return seldon_fault if path.startswith("/api/") else v2_fault


def _form_body(body: bytes) -> bytes:
    try:
        return form_json(body.decode("ascii"))
    except UnicodeDecodeError:
        raise Refused(400, "The form is not ASCII.", "Encode it as application/x-www-form-urlencoded.") from None


def _wrong_method(scope: Scope, route: Route) -> Refused:
    what = f"{scope.path} does not answer {scope.method[:20]!r}."
    return Refused(405, what, f"Use {route.allow}.", headers=[("allow", route.allow)])


async def _chunks(protocol: Any, limit: int) -> bytes:
    """The body; of one that is too long, the rest is read and dropped."""
    body = bytearray()
    dropped = 0
    async for chunk in protocol:
        if not dropped and len(body) + len(chunk) <= limit:
            body += chunk
        else:
            dropped += len(chunk)
        if dropped > DISCARDED:
            break
    if dropped:
        raise too_long(limit)
    return bytes(body)
