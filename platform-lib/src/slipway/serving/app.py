"""The RSGI application: from a request on the wire to a handler and back, with a wall around the handler."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any, Protocol

from slipway.serving.open_inference import OpenInference
from slipway.serving.open_inference import fault as v2_fault
from slipway.serving.openapi import document
from slipway.serving.replies import Fault, Headers, Refused, Reply, Route, json_reply
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import Seldon
from slipway.serving.seldon import fault as seldon_fault
from slipway.serving.settings import Settings

log = logging.getLogger("slipway.serving")

_DISCARDED = 32 << 20
_JSON_CHARSETS = ("", "utf-8", "utf8", "us-ascii")


class Scope(Protocol):
    """What the app uses of an RSGI scope."""

    method: str
    path: str
    headers: Headers


class App:
    """Serves one release.

    Attributes:
        ready: what the readiness paths answer; the server sets it.
    """

    def __init__(self, scorer: Scorer, settings: Settings) -> None:
        self.ready = False
        self._settings = settings
        self._v2 = OpenInference(scorer, lambda: self.ready)
        seldon = Seldon(scorer, lambda: self.ready)
        openapi = json_reply(document(scorer, settings))
        self._routes = {
            **self._v2.routes(),
            **seldon.routes(),
            "/openapi.json": Route({"GET": lambda body, headers: openapi}, v2_fault),
        }

    async def __rsgi__(self, scope: Scope, protocol: Any) -> None:
        reply = await self._reply(scope, protocol)
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _reply(self, scope: Scope, protocol: Any) -> Reply:
        """Whatever happens, a reply: nothing of an internal fault but its id gets out."""
        fault: Fault = seldon_fault if scope.path.startswith("/api/v1.0/") else v2_fault
        try:
            route = self._route(scope.path)
            fault = route.fault
            handler = route.handlers.get(scope.method)
            if handler is None:
                raise _wrong_method(scope, route)
            body = await self._body(scope.headers, protocol) if scope.method == "POST" else b""
            return handler(body, scope.headers)
        except Refused as refusal:
            return fault(refusal)
        except Exception:
            incident = uuid.uuid4().hex
            log.exception("internal fault %s at %s %s", incident, scope.method, scope.path)
            return fault(Refused(500, f"Internal fault {incident}.", "Quote this id to the operator."))

    def _route(self, path: str) -> Route:
        route = self._routes.get(path) or self._routes.get(self._v2.unversioned(path))
        if route is None:
            raise self._v2.unknown(path)
        return route

    async def _body(self, headers: Headers, protocol: Any) -> bytes:
        _check_content(headers)
        limit = self._settings.max_body_bytes
        length = int(headers.get("content-length", -1))
        if length > _DISCARDED or (length > limit and "expect" in headers):
            raise _too_large(limit)
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return bytes(await protocol()) if 0 <= length <= limit else await _chunks(protocol, limit)
        except TimeoutError:
            if length > limit:
                raise _too_large(limit) from None
            raise Refused(408, f"The body did not arrive within {self._settings.body_seconds:g} s.") from None


def _wrong_method(scope: Scope, route: Route) -> Refused:
    what = f"{scope.path} does not answer {scope.method[:20]!r}."
    return Refused(405, what, f"Use {route.allow}.", headers=[("allow", route.allow)])


def _check_content(headers: Headers) -> None:
    """Refuse what is declared to be something else than plain JSON; no declaration is taken for JSON."""
    kind, _, parameters = headers.get("content-type", "application/json").partition(";")
    charset = parameters.lower().partition("charset=")[2].strip(' "')
    if kind.strip().lower() != "application/json" or charset not in _JSON_CHARSETS:
        shown = ascii(headers.get("content-type"))[:80]
        raise Refused(415, f"Content-Type {shown} is not served.", "Send UTF-8 JSON as application/json.")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Refused(415, f"Content-Encoding {ascii(encoding)[:80]} is not served.", "Send the body as it is.")


async def _chunks(protocol: Any, limit: int) -> bytes:
    """The body; of one that is too long, the rest is read and dropped.

    Most clients read no answer before they have sent everything, and would only see a closed connection.
    """
    body = bytearray()
    dropped = 0
    async for chunk in protocol:
        if not dropped and len(body) + len(chunk) <= limit:
            body += chunk
        else:
            dropped += len(chunk)
        if dropped > _DISCARDED:
            break
    if dropped:
        raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"The body is longer than {limit} bytes.", "Send fewer rows per request.")
