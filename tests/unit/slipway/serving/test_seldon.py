from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from slipway import release
from slipway.contracts.signature import Field
from slipway.serving.app import App
from slipway.serving.replies import Handler, Refused, Request
from slipway.serving.scoring import Scorer
from slipway.serving.seldon import Data, Tensor, _paired, _table
from slipway.serving.settings import Settings
from tests.conftest import ROOT
from tests.live_server import LiveServer, Recorded, frame, rows, tensors

PATHS = ("/api/v1.0/predictions", "/api/v0.1/predictions", "/predict")


def _forms(fields: list[Field], values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [field.name for field in fields]
    return [
        {"data": {"names": names, "ndarray": [list(row.values()) for row in values]}},
        {"data": {"ndarray": [list(row.values()) for row in values]}},
        {"data": {"names": [], "ndarray": [list(row.values()) for row in values]}},
        {"data": {"names": names[::-1], "ndarray": [list(row.values())[::-1] for row in values]}},
        {"jsonData": values},
        {"jsonData": values[0] if len(values) == 1 else values[:], "meta": {"tags": {"from": "a:b"}}},
    ]


@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize("path", PATHS)
def test_every_form_is_answered_as_the_release_scores_it(server: LiveServer, path: str, count: int) -> None:
    values = rows(server.fields, count, seed=count)
    served = release.load(server.release)
    scores = served.score_table(frame(server.fields, values)).tolist()
    for message in _forms(server.fields, values):
        status, answer = server.post(path, message)
        assert status == 200
        assert answer["data"] == {
            "names": ["late_probability", "late"],
            "ndarray": [[score, score >= served.threshold] for score in scores],
        }
        assert answer["meta"]["tags"] == {"release": served.digest, "model": "flight_delay"}


def test_the_caller_s_puid_is_echoed_and_a_missing_one_made(server: LiveServer) -> None:
    message = {"jsonData": rows(server.fields, 1)[0]}
    assert server.post("/predict", message | {"meta": {"puid": "p-1"}})[1]["meta"]["puid"] == "p-1"
    made = {server.post("/predict", message)[1]["meta"]["puid"] for _ in range(2)}
    assert len(made) == 2
    assert "" not in made


def test_a_tensor_is_cut_into_rows() -> None:
    table = _table(Data(tensor=Tensor([2, 3], [1, 2, 3, 4, 5.5, 6])))
    assert _paired(["a", "b", "c"], table) == [{"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5.5, "c": 6}]


@pytest.mark.parametrize("shape", [[3], [2, 2], [1, 2, 3], [-2, -3], [], [6, 0]])
def test_a_tensor_of_another_shape_is_refused(shape: list[int]) -> None:
    with pytest.raises(Refused, match=r"tensor\.shape .* does not fit 6 values"):
        _table(Data(tensor=Tensor(shape, [1, 2, 3, 4, 5, 6])))


def test_text_in_a_tensor_is_refused_with_the_remedy(server: LiveServer) -> None:
    values = list(rows(server.fields, 1)[0].values())
    status, answer = server.post("/predict", {"data": {"tensor": {"shape": [1, len(values)], "values": values}}})
    assert status == 400
    assert answer["status"]["status"] == "FAILURE"
    assert "is not a number; a Seldon tensor holds numbers only" in answer["status"]["info"]
    assert "ndarray or jsonData" in answer["status"]["info"]


def test_numbers_in_a_tensor_are_still_no_text(server: LiveServer) -> None:
    width = len(server.fields)
    status, answer = server.post("/predict", {"data": {"tensor": {"shape": [1, width], "values": [2013.0] * width}}})
    assert status == 400
    assert {"field": "carrier", "rule": "type"}.items() <= {
        key: value
        for detail in answer["meta"]["tags"]["details"]
        if detail["field"] == "carrier"
        for key, value in detail.items()
    }.items()


def test_health_and_metadata(server: LiveServer) -> None:
    for path in ("/health/status", "/metadata"):
        assert server.get(f"/api/v1.0{path}") == server.get(path)
    for path, text in (("/health/ping", b"pong"), ("/live", b"live"), ("/ready", b"ready")):
        status, headers, body = server.send("GET", path)
        assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", text)
    status, answer = server.get("/health/status")
    assert (status, answer["strData"]) == (200, "ready")
    status, answer = server.get("/metadata")
    assert (status, answer["name"], answer["versions"]) == (200, "flight_delay", [server.release.name])
    assert answer["inputs"][0]["schema"]["names"] == [field.name for field in server.fields]


FORM = "application/x-www-form-urlencoded"


def _asked(server: LiveServer, method: str, path: str, message: Any) -> tuple[int, Any]:
    """A message the way that Seldon's client sends it to a microservice: as json= in a form or a query."""
    encoded = urlencode({"json": json.dumps(message)})
    if method == "GET":
        status, _, answer = server.send("GET", f"{path}?{encoded}")
    else:
        status, _, answer = server.send("POST", path, encoded.encode(), Content_Type=FORM)
    return status, json.loads(answer)


def test_a_message_in_a_form_or_a_query_is_answered_as_one_in_the_body(server: LiveServer) -> None:
    message = {"jsonData": rows(server.fields, 2, seed=8), "meta": {"puid": "ü & =%"}}
    expected = server.post("/predict", message)
    assert expected[0] == 200
    assert _asked(server, "GET", "/predict", message) == expected
    assert [_asked(server, "POST", path, message) for path in PATHS] == [expected] * len(PATHS)


def test_a_query_without_a_message_is_refused_in_seldon_s_words(server: LiveServer) -> None:
    for path in ("/predict", "/predict?a=1", "/send-feedback", "/send-feedback?json="):
        status, answer = server.get(path)
        assert (status, answer["status"]["status"]) == (400, "FAILURE")


FEEDBACK = ("/send-feedback", "/api/v1.0/feedback", "/api/v0.1/feedback")
ANSWERED = {"meta": {"puid": "p-1", "tags": {"release": "x"}}, "data": {"ndarray": [[0.5, True]]}}


@pytest.mark.parametrize("path", FEEDBACK)
def test_feedback_is_answered_with_its_puid_and_no_data(server: LiveServer, path: str) -> None:
    message = {"response": ANSWERED, "reward": 1.0, "truth": {"data": {"ndarray": [[True]]}}}
    expected = (200, {"puid": "p-1", "tags": {"release": server.release.name, "model": "flight_delay"}})
    for status, answer in (server.post(path, message), _asked(server, "POST", path, message)):
        assert (status, answer["meta"]) == expected
        assert answer["data"] == {"ndarray": []}
    assert _asked(server, "GET", "/send-feedback", message)[0] == 200


@pytest.mark.parametrize(
    ("truth", "labels"),
    [
        (None, []),
        ({}, []),
        ({"data": {"ndarray": [1, 0.0, True, None]}}, [1, 0.0, True, None]),
        ({"data": {"ndarray": [[1], [0]]}}, [1, 0]),
        ({"data": {"tensor": {"shape": [2, 1], "values": [1.0, 0.0]}}}, [1.0, 0.0]),
        ({"jsonData": [True, False]}, [True, False]),
        ({"jsonData": True}, [True]),
    ],
)
def test_truth_becomes_one_label_per_row(truth: Any, labels: list[Any]) -> None:
    log = Recorded()
    app = _app(log)
    message = {"request": {"meta": {"puid": "asked"}}, "truth": truth, "reward": 0.25}
    _handler(app, "/send-feedback")(Request(json.dumps(message).encode(), {}, 0.0))
    (record,) = log.feedbacks
    assert (record.id, record.truth, record.reward) == ("asked", labels, 0.25)
    assert [type(label) for label in record.truth] == [type(label) for label in labels]
    assert abs(record.time_ns - time.time_ns()) < 60e9
    assert app.metrics.feedback == 1


@pytest.mark.parametrize(("truth", "reward"), [({"jsonData": 1}, None), ({"jsonData": None}, None), ({}, 0.0)])
def test_the_answer_s_puid_counts_before_the_request_s_and_a_missing_reward_is_none_beside_labels_or_else_zero(
    truth: Any, reward: float | None
) -> None:
    log = Recorded()
    message = {"request": {"meta": {"puid": "asked"}}, "response": {"meta": {"puid": "answered"}}, "truth": truth}
    _handler(_app(log), "/send-feedback")(Request(json.dumps(message).encode(), {}, 0.0))
    assert [(record.id, record.reward) for record in log.feedbacks] == [("answered", reward)]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"reward": 1}, "which request"),
        ({"response": {"meta": {"puid": ""}}}, "which request"),
        ({"response": {"meta": {"puid": "x" * 257}}}, "at most 256"),
        ({"response": ANSWERED, "reward": "much"}, "reward"),
        ({"response": ANSWERED, "truth": {"data": {"ndarray": [1, [1, 2]]}}}, "'truth', row 1: a label is 0, 1"),
        ({"response": ANSWERED, "truth": {"strData": "late"}}, "one of data.ndarray"),
        ({"response": ANSWERED, "truth": {"binData": "MQ=="}}, "one of data.ndarray"),
        ({"response": ANSWERED, "truth": {"data": {}}}, "one of data.ndarray"),
        ({"response": ANSWERED, "truth": {"jsonData": {"late": 1}}}, "one of data.ndarray"),
        ({"response": ANSWERED, "truth": {"jsonData": 1, "data": {"ndarray": [1]}}}, "one of data.ndarray"),
        ([], "wrong shape"),
    ],
)
def test_feedback_that_says_nothing_usable_is_refused(server: LiveServer, message: Any, said: str) -> None:
    status, answer = server.post("/api/v1.0/feedback", message)
    assert status == 400
    assert said in answer["status"]["info"]


@pytest.mark.parametrize("label", ["late", "1", "true", 2, -1, 0.5, 10**399, 1e300, [], {}, [[1]]])
def test_a_label_that_no_decision_could_be_is_refused_by_its_row_and_rule(server: LiveServer, label: Any) -> None:
    message = {"response": ANSWERED, "truth": {"data": {"ndarray": [1, label, None]}}}
    status, answer = server.post("/api/v1.0/feedback", message)
    said = "a label is 0, 1, false, true or, where it is not known, null"
    assert (status, answer["meta"]["tags"]["details"]) == (
        400, [{"field": "truth", "rule": "label", "row": 1, "message": said}]
    )  # fmt: skip


def test_every_answer_is_handed_to_the_log(release_folder: Path) -> None:
    log = Recorded()
    app = _app(log)
    one, two = rows(app._v2._scorer.fields, 2, seed=3)
    served = app._v2._scorer.release
    for message in ({"jsonData": one}, {"jsonData": [one]}, {"data": {"ndarray": [list(one.values())]}}):
        _handler(app, "/predict")(Request(json.dumps(message).encode(), {"x-request-id": "h"}, time.perf_counter()))
    inputs = {"inputs": tensors(served.fields, [one, two]), "id": "v"}
    app._v2.infer(Request(json.dumps(inputs).encode(), {}, time.perf_counter()))
    *single, batch = log.answers
    assert len(single) == 3
    for record in single:
        assert (record.id, record.row, record.columns, record.protocol) == ("h", one, None, "seldon")
        assert record.scores == [served.score_row(one)]
        assert record.decisions == [record.scores[0] >= served.threshold]
        assert 0 < record.seconds < 60
        assert abs(record.time_ns - time.time_ns()) < 60e9
    assert (batch.id, batch.row, batch.protocol) == ("v", None, "v2")
    assert batch.columns == {name: [one[name], two[name]] for name in one}
    assert batch.scores == [served.score_row(one), served.score_row(two)]


def _app(log: Recorded) -> App:
    (folder,) = (ROOT / "releases" / "flight_delay").glob("*/")
    return App(Scorer(release.load(folder), log=log), Settings())


def _handler(app: App, path: str) -> Handler:
    return app._routes[path][0].handlers["POST"]
