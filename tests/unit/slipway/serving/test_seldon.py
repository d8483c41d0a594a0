from __future__ import annotations

from typing import Any

import pytest

from slipway import release
from slipway.contracts.signature import Field
from slipway.serving.replies import Refused
from slipway.serving.seldon import Data, Tensor, _paired, _table
from tests.live_server import LiveServer, frame, rows

PATHS = ("/api/v1.0/predictions", "/predict")


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
    for path, text in (("/health/ping", b"pong"), ("/live", b"live"), ("/ready", b"ready")):
        status, headers, body = server.send("GET", path)
        assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", text)
    status, answer = server.get("/health/status")
    assert (status, answer["strData"]) == (200, "ready")
    status, answer = server.get("/metadata")
    assert (status, answer["name"], answer["versions"]) == (200, "flight_delay", [server.release.name])
    assert answer["inputs"][0]["schema"]["names"] == [field.name for field in server.fields]
