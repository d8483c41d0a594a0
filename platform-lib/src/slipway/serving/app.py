"""The application: from a request to a handler and back, with a wall around the handler."""

from __future__ import annotations

import logging
import uuid
from email.utils import formatdate
from time import perf_counter
from urllib.parse import unquote

import httptools

from slipway.serving.content import FORM, check_content, form_json
from slipway.serving.identity import HEADER, Identities, header_value
from slipway.serving.metrics import CLIENT_GONE, RouteFigures
from slipway.serving.open_inference import OpenInference
from slipway.serving.open_inference import fault as v2_fault
from slipway.serving.openapi import document
from slipway.serving.replies import Fault, Headers, Refused, Reply, Request, Route, json_reply
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import Seldon
from slipway.serving.seldon import fault as seldon_fault
from slipway.serving.settings import Settings

log = logging.getLogger("slipway.serving")

UNKNOWN = "unknown"


class App:
    """Serves one release.

    Attributes:
        ready: what the readiness paths answer; the server sets it.
        closing: whether answers tell the client to leave (``connection: close``); the server sets it.
        date: the time that answers tell, in HTTP's format; :meth:`tick` sets it.
        metrics: what is counted.
    """

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self.ready = False
        self.closing = False
        self.metrics = scorer.metrics
        self.metrics.ready = lambda: self.ready
        self.tick()
        self._identities = Identities()
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
        self._plain = {path.encode(): found for path, found in self._routes.items()}
        nowhere = Route(UNKNOWN, "other", {}, v2_fault)
        self._unknown = nowhere, self.metrics.route(nowhere.protocol, nowhere.name)

    def tick(self) -> None:
        """Look at the clock; to be called more often than once a second."""
        self.date = formatdate(usegmt=True)

    def answer(self, method: bytes, target: bytes, headers: Headers, body: bytes, started: float) -> Reply:
        """Answer one request, whatever happens: nothing of an internal fault but its id gets out.

        Args:
            method, target: of the request line.
            headers: names are lower case.
            body: whole.
            started: when the request began to arrive, on the clock of ``time.perf_counter``.
        """
        route, figures = self._plain.get(target) or self._route(target)
        try:
            if method == b"POST" and (handler := route.handlers.get("POST")):
                kind = check_content(headers, route.kinds)
                reply = handler(Request(body if kind != FORM else _form_body(body), headers, started))
            else:
                reply = self._without_body(method, target, headers, route, started)
        except Exception as error:
            reply = self._refusal(error, method, target, headers, route)
        figures.codes[reply.status] += 1
        figures.duration.observe(perf_counter() - started)
        return reply

    def refuse(self, error: Exception, method: bytes, target: bytes, headers: Headers, started: float) -> Reply:
        """Refuse a request that has not arrived whole; the other arguments are those of :meth:`answer`."""
        route, figures = self._route(target)
        reply = self._refusal(error, method, target, headers, route)
        figures.codes[reply.status] += 1
        figures.duration.observe(perf_counter() - started)
        return reply

    def gone(self, target: bytes) -> None:
        """Count a client that went away in the middle of its request."""
        self._route(target)[1].codes[CLIENT_GONE] += 1

    def _route(self, target: bytes) -> tuple[Route, RouteFigures]:
        path = _path(target)
        return self._routes.get(path) or self._routes.get(self._v2.unversioned(path)) or self._unknown

    def _without_body(self, method: bytes, target: bytes, headers: Headers, route: Route, started: float) -> Reply:
        if not route.handlers:
            raise self._v2.unknown(_path(target))
        # The connection leaves out the body of an answer to HEAD.
        handler = route.handlers.get("GET" if method == b"HEAD" else method.decode("latin-1"))
        if handler is None:
            raise _wrong_method(method, target, route)
        return handler(Request(form_json(_query(target)) if route.query else b"", headers, started))

    def _refusal(self, error: Exception, method: bytes, target: bytes, headers: Headers, route: Route) -> Reply:
        identity = self._identity(headers)
        if isinstance(error, Refused):
            refusal = error
            for breach in refusal.breaches:
                self.metrics.failures[breach.rule] += 1
        else:
            incident = uuid.uuid4().hex
            log.error(
                "internal fault %s at %s %s", incident, method.decode("latin-1"), route.name,
                exc_info=error, extra={"request_id": identity},
            )  # fmt: skip
            refusal = Refused(500, f"Internal fault {incident}.", "Quote this id to the operator.")
        fault = route.fault if route.handlers else _fault_of(target)
        reply = fault(refusal)
        reply.headers.append((HEADER, header_value(identity)))
        return reply

    def _identity(self, headers: Headers) -> str:
        try:
            return self._identities.of(headers)
        except Refused:
            return self._identities.new()

    def _exposition(self, request: Request) -> Reply:
        body, kind = self.metrics.exposition(request.headers.get("accept", ""))
        return Reply(200, [("content-type", kind)], body)


def _path(target: bytes) -> str:
    """The path of a request's target, which may be a whole URL, with its %xx decoded."""
    try:
        return unquote((httptools.parse_url(target).path or b"").decode("latin-1"), errors="replace")
    except httptools.HttpParserInvalidURLError:
        return target.decode("latin-1")


def _query(target: bytes) -> str:
    return target.partition(b"?")[2].decode("latin-1")


def _fault_of(target: bytes) -> Fault:
    return seldon_fault if target.startswith(b"/api/") else v2_fault


def _form_body(body: bytes) -> bytes:
    try:
        return form_json(body.decode("ascii"))
    except UnicodeDecodeError:
        raise Refused(400, "The form is not ASCII.", "Encode it as application/x-www-form-urlencoded.") from None


def _wrong_method(method: bytes, target: bytes, route: Route) -> Refused:
    what = f"{_path(target)} does not answer {method.decode('latin-1')!r}."
    return Refused(405, what, f"Use {route.allow}.", headers=[("allow", route.allow)])
