from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from slipway import release
from slipway.serving.app import App
from slipway.serving.replies import Request, Route
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import fault as seldon_fault
from slipway.serving.settings import Settings

SETTINGS = Settings(max_body_bytes=10_000, body_seconds=0.05)


@dataclass
class Scope:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    query_string: str = ""


class Body:
    """A body that arrives now, or never; it can be cancelled, as granian's can."""

    def __init__(self, chunks: Iterable[bytes] | None) -> None:
        self._chunks = chunks
        self._arrived = asyncio.get_running_loop().create_future()
        if chunks is not None:
            self._arrived.set_result(b"".join(chunks))

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._arrived.__await__()

    def cancel(self) -> None:
        self._arrived.cancel()


class Wire:
    """The RSGI protocol of one request whose body arrives in chunks, or never."""

    def __init__(self, chunks: Iterable[bytes] | None) -> None:
        self._chunks = chunks
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def __call__(self) -> Body:
        return Body(self._chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            await asyncio.Event().wait()
        for chunk in self._chunks or ():
            yield chunk

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


@pytest.fixture(scope="module")
def scorer(release_folder: Path) -> Scorer:
    return Scorer(release.load(release_folder))


@pytest.fixture
def app(scorer: Scorer) -> App:
    return App(scorer, SETTINGS)


def _ask(app: App, method: str, path: str, chunks: Iterable[bytes] | None = (), **headers: str) -> Wire:
    wire = Wire(chunks)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    where, _, query = path.partition("?")

    async def ask() -> None:
        answering = asyncio.create_task(app.__rsgi__(Scope(method, where, named, query), wire))
        while not answering.done():
            await asyncio.wait([answering], timeout=0.01)
            app.expire()
        await answering

    asyncio.run(ask())
    return wire


READY = ("/ready", "/health/status", "/v2/health/ready", "/v2/models/flight_delay/ready")


@pytest.mark.parametrize("path", READY)
def test_readiness_follows_the_app(app: App, path: str) -> None:
    assert _ask(app, "GET", path).status == 503
    app.ready = True
    assert _ask(app, "GET", path).status == 200


@pytest.mark.parametrize("path", ["/v2/health/live", "/live", "/health/ping"])
def test_liveness_does_not_wait_for_readiness(app: App, path: str) -> None:
    assert _ask(app, "GET", path).status == 200


def test_an_internal_fault_shows_an_id_only_and_logs_the_traceback(app: App, caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: Request) -> Any:
        raise KeyError("a secret of the model")

    _, figures = app._routes["/predict"]
    app._routes["/predict"] = Route("/predict", "seldon", {"POST": broken}, seldon_fault), figures
    with caplog.at_level(logging.ERROR):
        wire = _ask(app, "POST", "/predict", [b"{}"], content_length="2", x_request_id="r-1")
    answer = json.loads(wire.body)
    assert wire.status == answer["status"]["code"] == 500
    assert "secret" not in wire.body.decode()
    (record,) = caplog.records
    incident = answer["status"]["info"].split()[2].rstrip(".")
    assert incident in record.getMessage()
    assert record.request_id == wire.headers["x-request-id"] == "r-1"
    assert record.exc_info is not None
    assert "a secret of the model" in str(record.exc_info[1])


def test_a_body_that_does_not_arrive_is_a_408(app: App) -> None:
    assert _ask(app, "POST", "/predict", None).status == 408
    assert _ask(app, "POST", "/predict", None, content_length="100").status == 408


def test_a_long_body_is_a_413_declared_or_not(app: App) -> None:
    assert _ask(app, "POST", "/predict", [b"x" * 5_000, b"x" * 5_001]).status == 413
    assert _ask(app, "POST", "/predict", None, content_length="10001").status == 413
    assert _ask(app, "POST", "/predict", [b"x" * 5_000, b"x" * 5_000]).status == 400
    assert _ask(app, "POST", "/predict", [b"x" * 10_000], content_length="10000").status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content_type": "application/json"}, 200),
        ({"content_type": "Application/JSON; charset=UTF-8"}, 200),
        ({"content_type": 'application/json;charset="utf-8"'}, 200),
        ({"content_encoding": "identity"}, 200),
        ({"content_type": "application/json; charset=latin-1"}, 415),
        ({"content_type": "application/x-www-form-urlencoded; charset=latin-1"}, 415),
        ({"content_type": "multipart/form-data"}, 415),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": ""}, 415),
        ({"content_encoding": "gzip"}, 415),
    ],
)
def test_only_plain_json_is_read(app: App, scorer: Scorer, headers: dict[str, str], status: int) -> None:
    body = json.dumps({"jsonData": scorer.example}).encode()
    assert _ask(app, "POST", "/predict", [body], **headers).status == status


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/predict", "GET, POST"),
        ("PUT", "/api/v1.0/predictions", "POST"),
        ("DELETE", "/v2/models/flight_delay/infer", "POST"),
        ("POST", "/v2", "GET"),
        ("POST", "/ready", "GET"),
        ("HEAD", "/metadata", "GET"),
    ],
)
def test_a_wrong_method_is_a_405_that_says_the_right_one(app: App, method: str, path: str, allow: str) -> None:
    wire = _ask(app, method, path)
    assert (wire.status, wire.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/", "/v2/", "/predict/", "/v3", "/v2/models", "/api/v1.0/feedbacks", "/../etc", "/\ud800"]
)
def test_an_unknown_path_is_a_404(app: App, path: str) -> None:
    assert _ask(app, "GET", path).status == 404
