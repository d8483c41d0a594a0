"""What handlers take and give: headers in, a Reply or a Refused out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from slipway.contracts.request import Breach, RequestBroken
from slipway.errors import SlipwayError

encode = msgspec.json.Encoder().encode

_JSON = [("content-type", "application/json")]
_TEXT = [("content-type", "text/plain; charset=utf-8")]


class Headers(Protocol):
    """Request headers; names are lower case."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def __contains__(self, key: str) -> bool: ...


class Request(msgspec.Struct, gc=False):
    """What a handler is given.

    Attributes:
        body: the bytes of the body; empty for GET.
        headers: of the request.
        started: when its handling began, on the clock of ``time.perf_counter``.
    """

    body: bytes
    headers: Headers
    started: float


class Reply(msgspec.Struct, gc=False):
    """A whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refused(SlipwayError):
    """A request that is answered with a 4xx status.

    Args:
        status: HTTP status.
        what: what is wrong with the request.
        remedy: what to send instead.
        breaches: the broken rules, where the data is at fault.
        headers: headers that the status asks for, e.g. Allow.
    """

    exit_code = 2

    def __init__(
        self,
        status: int,
        what: str,
        remedy: str = "",
        *,
        breaches: Sequence[Breach] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.breaches = breaches
        self.headers = headers
        super().__init__(what, remedy)


Handler = Callable[[Request], Reply]
Fault = Callable[[Refused], Reply]


@dataclass(frozen=True)
class Route:
    """What answers one path.

    Attributes:
        name: the path as a template, for metrics.
        protocol: "v2", "seldon" or "other", for metrics.
        handlers: by method.
        fault: how the protocol words a refusal.
        kinds: content types of a body.
        query: whether a GET carries the message in its query.
    """

    name: str
    protocol: str
    handlers: dict[str, Handler]
    fault: Fault
    kinds: tuple[str, ...] = ("application/json",)
    query: bool = False

    @property
    def allow(self) -> str:
        return ", ".join(sorted({*self.handlers, "HEAD"} if "GET" in self.handlers else self.handlers))


def refused(broken: RequestBroken) -> Refused:
    """A broken signature, as a 400."""
    return Refused(400, broken.what, breaches=broken.breaches)


def scored_reply(body: bytes, identity: str) -> Reply:
    """A JSON answer to a request with an id; the id must be fit for a header."""
    return Reply(200, [_JSON[0], ("x-request-id", identity)], body)


def json_reply(value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """``value`` as a JSON answer."""
    try:
        body = encode(value)
    except UnicodeEncodeError:  # an error that quotes a lone surrogate, which only \u escapes can write
        body = json.dumps(value).encode()
    return Reply(status, [*_JSON, *headers], body)


def text_reply(text: str, status: int = 200) -> Reply:
    """``text`` as a plain answer."""
    return Reply(status, _TEXT, text.encode())


def details(breaches: Sequence[Breach]) -> list[dict[str, Any]]:
    """Breaches as JSON-ready data: field, rule, row and message of each."""
    return [
        {"field": breach.field, "rule": breach.rule, "row": breach.row, "message": breach.message}
        for breach in breaches
    ]
