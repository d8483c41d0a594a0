from __future__ import annotations

import json
import logging
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from slipway import release
from slipway.serving.app import App
from slipway.serving.replies import Reply, Request, Route
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import fault as seldon_fault
from slipway.serving.settings import Settings


@pytest.fixture(scope="module")
def scorer(release_folder: Path) -> Scorer:
    return Scorer(release.load(release_folder))


@pytest.fixture
def app(scorer: Scorer) -> App:
    return App(scorer, Settings())


def _ask(app: App, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.answer(method.encode(), target.encode("utf-8", "surrogatepass"), named, body, perf_counter())


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

    _, figures = app._plain[b"/predict"]
    app._plain[b"/predict"] = Route("/predict", "seldon", {"POST": broken}, seldon_fault), figures
    with caplog.at_level(logging.ERROR):
        reply = _ask(app, "POST", "/predict", b"{}", x_request_id="r-1")
    answer = json.loads(reply.body)
    assert reply.status == answer["status"]["code"] == 500
    assert "secret" not in reply.body.decode()
    (record,) = caplog.records
    incident = answer["status"]["info"].split()[2].rstrip(".")
    assert incident in record.getMessage()
    assert record.request_id == dict(reply.headers)["x-request-id"] == "r-1"
    assert record.exc_info is not None
    assert "a secret of the model" in str(record.exc_info[1])


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
    assert _ask(app, "POST", "/predict", body, **headers).status == status


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/predict", "GET, HEAD, POST"),
        ("PUT", "/api/v1.0/predictions", "POST"),
        ("DELETE", "/v2/models/flight_delay/infer", "POST"),
        ("POST", "/v2", "GET, HEAD"),
        ("POST", "/ready", "GET, HEAD"),
        ("HEAD", "/api/v1.0/predictions", "POST"),
    ],
)
def test_a_wrong_method_is_a_405_that_says_the_right_one(app: App, method: str, path: str, allow: str) -> None:
    reply = _ask(app, method, path)
    assert (reply.status, dict(reply.headers)["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/", "/v2/", "/predict/", "/v3", "/v2/models", "/api/v1.0/feedbacks", "/../etc", "/\ud800"]
)
def test_an_unknown_path_is_a_404(app: App, path: str) -> None:
    assert _ask(app, "GET", path).status == 404
