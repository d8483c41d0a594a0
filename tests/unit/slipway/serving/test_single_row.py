"""What the compiled decoders take, the general path takes with equal values; and they take what clients send."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway import release
from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field
from slipway.serving.app import App
from slipway.serving.open_inference import DATATYPES
from slipway.serving.replies import Refused, Request
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from slipway.serving.single_row import SeldonRow, V2Row
from tests.live_server import rows, tensors

FIELDS = [
    Field("whole", "integer", minimum=-5, maximum=300),
    Field("half", "number", minimum=0.5, maximum=2.5, nullable=True),
    Field("free", "number"),
    Field("large", "integer", nullable=True),
    Field("stepped", "number", minimum=0, multiple_of=0.25),
    Field("shade", "string", allowed=("red", "blue")),
    Field("a code", "string", pattern="^[A-Z]{2}|x$", nullable=True),
    Field("both", "string", allowed=("AA", "b"), pattern="[A-Z]+"),
    Field("text", "string"),
]
RULES = RequestRules(FIELDS)
V2, SELDON = V2Row(FIELDS, DATATYPES), SeldonRow(FIELDS)
GOOD: dict[str, Any] = {
    "whole": 3, "half": 0.75, "free": -1.5e9, "large": -(2**63), "stepped": 1.25, "shade": "blue", "a code": "AB",
    "both": "AA", "text": "é\n",
}  # fmt: skip
EDGES: list[Any] = [
    None, True, -6, 301, 300, 0, -0.0, 0.5, 0.499999999, 2.5, 3.0, 1e400, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1,
    2**64, 9.3e18, 1.7976931348623157e308, 0.2500000001, 0.26, "red", "RED", "", "AB", "AB\n", "x", "XX", "AA", "b",
    "é", "a:b", [], {}, [1],
]  # fmt: skip


def _v2(row: dict[str, Any]) -> bytes:
    return json.dumps({"inputs": tensors(FIELDS, [row])}).encode()


def _mapping(row: dict[str, Any]) -> bytes:
    return json.dumps({"jsonData": row}).encode()


def _array(row: dict[str, Any]) -> bytes:
    return json.dumps({"data": {"ndarray": [list(row.values())]}}).encode()


READERS = [(V2, _v2), (SELDON, _mapping), (SELDON, _array)]


def _bits(row: dict[str, Any]) -> list[Any]:
    return [(name, struct.pack("<d", value) if type(value) is float else value) for name, value in row.items()]


def _allowed(row: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return RULES.row(row)
    except Exception:
        return None


@pytest.mark.parametrize(("reader", "write"), READERS)
def test_a_valid_row_is_taken_as_the_rules_take_it(reader: Any, write: Any) -> None:
    assert reader.read(write(GOOD)) == (None, GOOD)
    assert _bits(RULES.row(GOOD)) == _bits(reader.read(write(GOOD))[1])


@pytest.mark.parametrize(("reader", "write"), READERS)
@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_what_is_taken_keeps_the_rules_and_has_equal_bits(reader: Any, write: Any, name: str, value: Any) -> None:
    row = GOOD | {name: value}
    taken = reader.read(write(row))
    allowed = _allowed(json.loads(json.dumps(row)))
    if taken is not None:
        assert allowed is not None
        assert _bits(taken[1]) == _bits(allowed)
    elif allowed is not None:
        # What goes the long way: an integer written as 3.0, a number beyond 64 bits, a text with a colon.
        assert value == "a:b" or type(value) is float or abs(value) >= 2**62


@settings(max_examples=300)
@given(st.data())
def test_any_mixture_is_taken_alike(data: st.DataObject) -> None:
    row = {name: data.draw(st.one_of(st.just(value), st.sampled_from(EDGES))) for name, value in GOOD.items()}
    if math.inf in row.values():
        row = {name: 0 if value == math.inf else value for name, value in row.items()}
    allowed = _allowed(row)
    for reader, write in READERS:
        taken = reader.read(write(row))
        assert taken is None or (allowed is not None and _bits(taken[1]) == _bits(allowed))


@pytest.mark.parametrize(
    ("reader", "body", "identity"),
    [
        (V2, json.dumps({"id": "a", "inputs": tensors(FIELDS, [GOOD])}), "a"),
        (V2, json.dumps({"inputs": tensors(FIELDS, [GOOD]), "id": ""}), ""),
        (SELDON, json.dumps({"meta": {"puid": "p"}, "jsonData": GOOD}), "p"),
        (SELDON, json.dumps({"meta": {}, "data": {"ndarray": [list(GOOD.values())]}}), None),
        (SELDON, json.dumps({"data": {"names": list(GOOD), "ndarray": [list(GOOD.values())]}}), None),
    ],
)
def test_the_caller_s_id_is_read(reader: Any, body: str, identity: str | None) -> None:
    assert reader.read(body.encode()) == (identity, GOOD)


def test_tensors_in_any_order_are_taken() -> None:
    assert V2.read(json.dumps({"inputs": tensors(FIELDS, [GOOD])[::-1]}).encode()) == (None, GOOD)


TENSORS = tensors(FIELDS, [GOOD])
ELSE = [
    {"inputs": TENSORS[:-1]},
    {"inputs": [*TENSORS[:-1], TENSORS[0]]},
    {"inputs": [*TENSORS, TENSORS[0]]},
    {"inputs": [*TENSORS[:-1], TENSORS[-1] | {"name": "other"}]},
    {"inputs": [TENSORS[0] | {"shape": [1, 1]}, *TENSORS[1:]]},
    {"inputs": [TENSORS[0] | {"data": [3, 4]}, *TENSORS[1:]]},
    {"inputs": [TENSORS[0] | {"datatype": "BYTES"}, *TENSORS[1:]]},
    {"inputs": [TENSORS[0] | {"parameters": {}}, *TENSORS[1:]]},
    {"inputs": TENSORS, "outputs": []},
    {"inputs": TENSORS, "id": None},
    {"jsonData": GOOD | {"more": 1}},
    {"jsonData": [GOOD]},
    {"jsonData": GOOD, "data": {"ndarray": [list(GOOD.values())]}},
    {"jsonData": {name: value for name, value in GOOD.items() if name != "half"}},
    {"data": {"ndarray": [list(GOOD.values())] * 2}},
    {"data": {"ndarray": [[*GOOD.values(), 1]]}},
    {"data": {"ndarray": [list(GOOD.values())[:-1]]}},
    {"data": {"names": list(GOOD)[::-1], "ndarray": [list(GOOD.values())]}},
    {"data": {"names": list(GOOD)[:-1], "ndarray": [list(GOOD.values())]}},
    {"strData": "x"},
    {},
]


@pytest.mark.parametrize("message", ELSE)
def test_anything_else_is_left_to_the_general_path(message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    assert V2.read(body) is None
    assert SELDON.read(body) is None


@pytest.mark.parametrize("text", ['"jsonData": {"whole": 3, ', '"meta": {"puid": "a", "puid": "b"}, "jsonData": {'])
def test_a_doubled_key_is_left_to_the_general_path(text: str) -> None:
    body = json.dumps({"jsonData": GOOD}).replace('"jsonData": {', text, 1).encode()
    assert SELDON.read(body) is None


def test_int32_is_taken_where_the_rules_keep_to_it() -> None:
    row = [tensor | {"datatype": "INT32"} if tensor["name"] == "whole" else tensor for tensor in TENSORS]
    assert V2.read(json.dumps({"inputs": row}).encode()) == (None, GOOD)
    row = [tensor | {"datatype": "INT32", "data": [1]} if tensor["name"] == "large" else tensor for tensor in TENSORS]
    assert V2.read(json.dumps({"inputs": row}).encode()) is None


@pytest.fixture(scope="module")
def app(release_folder: Path) -> App:
    return App(Scorer(release.load(release_folder)), Settings())


@pytest.mark.parametrize("seed", range(20))
def test_the_answer_is_byte_for_byte_that_of_the_general_path(app: App, seed: int) -> None:
    v2, seldon = app._v2, app._routes["/predict"][0].handlers["POST"].__self__
    (row,) = rows(app._v2._scorer.fields, 1, seed=seed)
    for name in ('é"\\', "plain", "\u2028"):
        inputs = tensors(app._v2._scorer.fields, [row])
        request = Request(json.dumps({"id": name, "inputs": inputs}).encode(), {}, 0.0)
        assert v2._single.read(request.body) is not None
        assert (v2.infer(request).body, v2.infer(request).headers) == (
            v2._infer_any(request).body, v2._infer_any(request).headers,
        )  # fmt: skip
        for content in ({"jsonData": row}, {"data": {"ndarray": [list(row.values())]}}):
            request = Request(json.dumps(content | {"meta": {"puid": name}}).encode(), {}, 0.0)
            assert seldon._single.read(request.body) is not None
            assert seldon.predict(request).body == seldon._predict_any(request).body
            assert seldon.predict(request).headers == seldon._predict_any(request).headers


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_body_is_answered_as_the_general_path_answers(app: App, data: st.DataObject) -> None:
    v2, seldon = app._v2, app._routes["/predict"][0].handlers["POST"].__self__
    (row,) = rows(app._v2._scorer.fields, 1, seed=1)
    message = data.draw(st.sampled_from([
        {"id": "i", "inputs": tensors(app._v2._scorer.fields, [row])}, {"meta": {"puid": "i"}, "jsonData": row},
    ]))  # fmt: skip
    body = bytearray(json.dumps(message).encode())
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 5))] = data.draw(st.sampled_from([b"", b"0", b"9", b'"', b"1.5"]))
    request = Request(bytes(body), {"x-request-id": "h"}, 0.0)
    pairs = [(v2.infer, v2._infer_any), (seldon.predict, seldon._predict_any)]
    for quick, general in pairs:
        assert _outcome(quick, request) == _outcome(general, request)


def _outcome(handler: Any, request: Request) -> Any:
    try:
        reply = handler(request)
    except Refused as refusal:
        return str(refusal)
    return reply.status, reply.headers, reply.body
