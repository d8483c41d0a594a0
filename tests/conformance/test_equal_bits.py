"""Our server, Seldon's wrapper and MLServer answer the same requests with equal bits.

The stock servers run :class:`slipway.adapters.seldon.SeldonRelease`, unchanged.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks.serving.servers import Running
from tests.conftest import MODEL
from tests.live_server import LiveServer, tensors
from tests.stock_servers import get, post

Rows = list[dict[str, Any]]
PREDICTIONS = "/api/v1.0/predictions"
INFER = f"/v2/models/{MODEL}/infer"


def ndarray(rows: Rows) -> dict[str, Any]:
    return {"data": {"names": list(rows[0]), "ndarray": [list(row.values()) for row in rows]}}


def json_data(rows: Rows) -> dict[str, Any]:
    return {"jsonData": rows if len(rows) > 1 else rows[0]}


def by_seldon(url: str, message: Any) -> list[tuple[str, bool]]:
    """Score, to the last bit, and decision of each row."""
    status, answer = post(url + PREDICTIONS, message)
    assert status == 200, answer
    return [(float(score).hex(), decision) for score, decision in answer["data"]["ndarray"]]


def by_v2(url: str, server: LiveServer, rows: Rows) -> list[tuple[str, bool]]:
    status, answer = post(url + INFER, {"inputs": tensors(server.fields, rows)})
    assert status == 200, answer
    scores, decisions = (output["data"] for output in answer["outputs"])
    return [(float(score).hex(), decision) for score, decision in zip(scores, decisions, strict=True)]


@pytest.fixture(scope="module")
def expected(server: LiveServer, sample: Rows) -> list[tuple[str, bool]]:
    """What our server answers, row by row."""
    found = [answer for row in sample for answer in by_v2(server.url, server, [row])]
    assert len({score for score, _ in found}) > len(sample) / 2
    assert {decision for _, decision in found} == {True, False}
    return found


def test_one_row(
    server: LiveServer, seldon: Running, mlserver: Running, sample: Rows, expected: list[tuple[str, bool]]
) -> None:
    for row, answer in zip(sample, expected, strict=True):
        assert by_seldon(server.url, ndarray([row])) == [answer]
        assert by_seldon(seldon.url, ndarray([row])) == [answer]
        assert by_seldon(seldon.url, json_data([row])) == [answer]
        assert by_v2(mlserver.url, server, [row]) == [answer]


def test_several_rows(
    server: LiveServer, seldon: Running, mlserver: Running, sample: Rows, expected: list[tuple[str, bool]]
) -> None:
    assert by_v2(server.url, server, sample) == expected
    assert by_seldon(server.url, ndarray(sample)) == expected
    assert by_seldon(seldon.url, ndarray(sample)) == expected
    assert by_seldon(seldon.url, json_data(sample)) == expected
    assert by_v2(mlserver.url, server, sample) == expected


def test_numbers_that_numpy_makes_text(
    server: LiveServer, seldon: Running, whole: Rows, sample: Rows, expected: list[tuple[str, bool]]
) -> None:
    wanted = [answer for row, answer in zip(sample, expected, strict=True) if row in whole]
    assert by_seldon(seldon.url, ndarray(whole)) == wanted
    for row, answer in zip(whole, wanted, strict=True):
        assert by_seldon(seldon.url, ndarray([row])) == [answer]


def test_whole_messages_are_alike(server: LiveServer, seldon: Running, sample: Rows) -> None:
    """Names, tags and the request's id, not only the scores; ours makes an id where none is given."""
    message = ndarray(sample[:3]) | {"meta": {"puid": "an-id"}}
    assert post(seldon.url + PREDICTIONS, message) == post(server.url + PREDICTIONS, message)
    assert get(seldon.url + "/metadata") == get(server.url + "/metadata")
    assert get(seldon.url + "/health/status") == get(server.url + "/health/status")


def test_threads_of_the_wrapper_do_not_mix_answers(
    seldon: Running, mlserver: Running, server: LiveServer, sample: Rows, expected: list[tuple[str, bool]]
) -> None:
    with ThreadPoolExecutor(16) as pool:
        from_wrapper = list(pool.map(lambda row: by_seldon(seldon.url, json_data([row]))[0], sample * 3))
        from_mlserver = list(pool.map(lambda row: by_v2(mlserver.url, server, [row])[0], sample * 3))
    assert from_wrapper == expected * 3
    assert from_mlserver == expected * 3


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"month": 13}, "month", "maximum"),
        ({"month": None}, "month", "nullable"),
        ({"carrier": "??"}, "carrier", "allowed"),
        ({"distance": "far"}, "distance", "type"),
        ({"surprise": 1}, "surprise", "unknown_field"),
    ],
)
def test_stock_servers_refuse_what_ours_refuses(
    server: LiveServer, seldon: Running, mlserver: Running, whole: Rows, change: Any, field: str, rule: str
) -> None:
    row = whole[0] | change
    for url in (server.url, seldon.url):
        for message in (ndarray([row]), json_data([row])):
            status, answer = post(url + PREDICTIONS, message)
            assert (status, answer["status"]["code"]) == (400, 400)
            breach = answer["meta"]["tags"]["details"][0]
            assert (breach["field"], breach["rule"], breach["row"]) == (field, rule, 0)
    inputs = [{"name": n, "shape": [1], "datatype": _datatype(v), "data": [v]} for n, v in row.items()]
    for url in (server.url, mlserver.url):
        status, answer = post(url + INFER, {"inputs": inputs})
        assert status == 400
        assert field in answer["error"]


def test_refusals_are_worded_alike(server: LiveServer, seldon: Running, whole: Rows) -> None:
    broken = json_data([{**whole[0], "month": 13}, {**whole[1], "carrier": 7}])
    assert post(seldon.url + PREDICTIONS, broken) == post(server.url + PREDICTIONS, broken)


def test_a_batch_of_mlserver_is_refused_whole_when_its_columns_differ(mlserver: Running, server: LiveServer) -> None:
    inputs = tensors(server.fields, [json.loads((server.release / "example.json").read_text())])
    inputs[0]["data"] = inputs[0]["data"] * 2
    status, answer = post(mlserver.url + INFER, {"inputs": inputs})
    assert (status, "as many rows" in answer["error"]) == (400, True)


def _datatype(value: Any) -> str:
    return {str: "BYTES", float: "FP64"}.get(type(value), "INT64")
