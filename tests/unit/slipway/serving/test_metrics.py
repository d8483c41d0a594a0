from __future__ import annotations

import socket
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from slipway.serving.metrics import DURATION_BOUNDS, QUEUE_BOUNDS, SCORE_BOUNDS, Histogram, Metrics
from tests.live_server import LiveServer, Recorded, rows, tensors

INFER = "/v2/models/flight_delay/infer"
LABELS = {"protocol": "v2", "route": "/v2/models/{model}/infer"}


@pytest.fixture(scope="module")
def live(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of one's own, so that its counts are known."""
    log = tmp_path_factory.mktemp("metrics") / "log"
    environment = {"PREDICTOR_ID": "main", "PREDICTIVE_UNIT_ID": "unit", "SELDON_DEPLOYMENT_ID": "flights"}
    with LiveServer(release_folder, log=log, environment=environment) as live:
        yield live


def _scraped(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in prometheus(text)
        for sample in family.samples
    }


class Scrape:
    def __init__(self, live: LiveServer) -> None:
        status, headers, body = live.send("GET", "/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        self._values = _scraped(body.decode())
        self.names = {name for name, _ in self._values}

    def __call__(self, name: str, **labels: str) -> float:
        return self._values.get((name, frozenset(labels.items())), 0.0)

    def labels(self, name: str) -> list[dict[str, str]]:
        return [dict(labels) for found, labels in self._values if found == name]


def test_what_is_scraped_is_what_was_sent(live: LiveServer) -> None:
    before = Scrape(live)
    values = rows(live.fields, 5, seed=2)
    bad = [values[0] | {"month": 13, "day": 0}, values[0] | {"month": None}]
    scores = []
    for row in values:
        scores += live.post(INFER, {"inputs": tensors(live.fields, [row])})[1]["outputs"][0]["data"]
    scores += live.post(INFER, {"inputs": tensors(live.fields, values)})[1]["outputs"][0]["data"]
    for row in bad:
        assert live.post(INFER, {"inputs": tensors(live.fields, [row])})[0] == 400
    live.post("/send-feedback", {"response": {"meta": {"puid": "x"}}, "reward": 1})
    after = Scrape(live)

    def risen(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert risen("slipway_requests_total", **LABELS, code="200") == 6
    assert risen("slipway_requests_total", **LABELS, code="400") == 2
    assert risen("slipway_request_duration_seconds_count", **LABELS) == 8
    assert 0 < risen("slipway_request_duration_seconds_sum", **LABELS) < 60
    assert risen("slipway_validation_failures_total", rule="maximum") == 1
    assert risen("slipway_validation_failures_total", rule="minimum") == 1
    assert risen("slipway_validation_failures_total", rule="nullable") == 1
    assert risen("slipway_score_count") == 10
    assert risen("slipway_score_sum") == pytest.approx(sum(scores))
    assert risen("slipway_score_bucket", le="0.3") == sum(score <= 0.3 for score in scores)
    assert risen("slipway_feedback_total") == 1
    assert after("slipway_ready") == 1
    assert after("slipway_requests_in_flight") == 0
    assert after("process_resident_memory_bytes") > 2**20


def test_the_queue_is_sampled_all_the_time(live: LiveServer) -> None:
    before = Scrape(live)("slipway_queue_time_seconds_count")
    time.sleep(0.5)
    after = Scrape(live)
    assert after("slipway_queue_time_seconds_count") - before >= 1
    assert 0 < after("slipway_queue_time_seconds_sum") < after("slipway_queue_time_seconds_count")


def test_a_request_under_way_is_in_flight(live: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", live.port)) as caller:
        caller.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        deadline = time.monotonic() + 30
        while Scrape(live)("slipway_requests_in_flight") != 1:
            assert time.monotonic() < deadline
    while Scrape(live)("slipway_requests_in_flight") != 0:
        assert time.monotonic() < deadline
    assert Scrape(live)("slipway_requests_total", protocol="seldon", route="/predict", code="499") == 1
    assert "internal fault" not in live.log.read_text()


def test_the_info_metric_names_release_and_deployment(live: LiveServer) -> None:
    (labels,) = Scrape(live).labels("slipway_release_info")
    assert labels == {
        "model": "flight_delay", "digest": live.release.name,
        "predictor": "main", "unit": "unit", "deployment": "flights",
    }  # fmt: skip


def test_unknown_paths_share_one_label(live: LiveServer) -> None:
    for number in range(20):
        assert live.send("GET", f"/nowhere/{number}")[0] == 404
        assert live.send("POST", f"/v2/models/m{number}/infer", b"{}")[0] == 404
    scraped = Scrape(live)
    assert scraped("slipway_requests_total", protocol="other", route="unknown", code="404") >= 40
    assert not any("nowhere" in labels["route"] for labels in scraped.labels("slipway_requests_total"))


def test_openmetrics_is_spoken_on_request(live: LiveServer) -> None:
    accept = "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"
    status, headers, body = live.send("GET", "/metrics", Accept=accept)
    assert status == 200
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in openmetrics(body.decode())}
    assert families["slipway_requests"].type == "counter"
    assert families["slipway_request_duration_seconds"].type == "histogram"
    assert families["slipway_release"].type == "info"


@pytest.mark.parametrize("accept", ["", "*/*", "nonsense", "application/openmetrics-text; version=x.y", ";;,=;q="])
def test_anything_else_is_answered_in_prometheus_s_text(live: LiveServer, accept: str) -> None:
    status, headers, body = live.send("GET", "/metrics", Accept=accept)
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert list(prometheus(body.decode()))


def test_names_keep_prometheus_s_conventions(live: LiveServer) -> None:
    _, _, body = live.send("GET", "/metrics")
    for family in prometheus(body.decode()):
        assert family.documentation
        assert family.name.startswith(("slipway_", "process_"))
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)


def test_a_second_port_answers_with_the_same_metrics(release_folder: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(port)}
    with LiveServer(release_folder, log=tmp_path / "log", environment=environment) as live:
        assert live.post("/predict", {"jsonData": rows(live.fields, 1)})[0] == 200
        live.port = port
        values = _scraped(live.send("GET", "/metrics")[2].decode())
        labels = frozenset({"protocol": "seldon", "route": "/predict", "code": "200"}.items())
        assert values["slipway_requests_total", labels] == 1


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    histogram = Histogram((0.1, 0.2))
    for value in (0.0, 0.1, 0.10000001, 0.2, 5.0):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.sum == pytest.approx(5.40000001)


@pytest.mark.parametrize("bounds", [DURATION_BOUNDS, QUEUE_BOUNDS, SCORE_BOUNDS])
def test_bounds_rise_and_read_as_people_write_them(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert [float(f"{bound:.4g}") for bound in bounds] == list(bounds)


def test_durations_are_a_tenth_apart_where_answers_are_expected() -> None:
    expected = [bound for bound in DURATION_BOUNDS if bound <= 1]
    assert expected[0] < 0.00005
    assert all(1.1 < above / below < 1.102 for below, above in pairwise(expected))


def test_an_exposition_holds_the_server_up_for_milliseconds_only() -> None:
    metrics = Metrics({"model": "m", "digest": "d"})
    for number in range(6):  # as many as a server in Kubernetes is asked
        metrics.route("v2", f"/{number}").duration.observe(0.001)
    spent = []
    for _ in range(20):
        began = time.process_time()
        metrics.exposition("application/openmetrics-text; version=1.0.0")
        spent.append(time.process_time() - began)
    assert min(spent) < 0.02


def test_the_request_log_s_counts_are_exported_when_there_is_one() -> None:
    metrics = Metrics({"model": "m", "digest": "d"})
    assert not [name for name, _ in _scraped(metrics.exposition("")[0].decode()) if "request_log" in name]
    log = Recorded()
    log.answers += [None] * 3  # type: ignore[list-item]
    metrics.log_counts = log.counts
    values = _scraped(metrics.exposition("")[0].decode())
    assert values["slipway_request_log_records_total", frozenset({("fate", "published")})] == 3
    assert values["slipway_request_log_records_total", frozenset({("fate", "dropped")})] == 0
    assert values["slipway_request_log_connected", frozenset()] == 1
