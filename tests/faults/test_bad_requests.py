"""Every kind of bad request, in every protocol and form, is a 4xx that names field and rule; never a 500."""

from __future__ import annotations

import json
import math
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.contracts.signature import Field
from tests.live_server import LiveServer, rows, tensors

INFER = "/v2/models/flight_delay/infer"
PREDICT = "/api/v1.0/predictions"
LIVE = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Rows = list[dict[str, Any]]
Details = list[dict[str, Any]]

TYPE_OF = {"integer": ("1", True, 1.5, [1], {"a": 1}), "number": ("1", False, [1.5], {}), "string": (1, True, ["AA"])}
FAULTS = ("type", "nullable", "minimum", "maximum", "finite", "allowed", "pattern", "multiple_of", "int64")


def _faults(field: Field) -> list[str]:
    """The faults that can be injected into a field."""
    possible = ["type"]
    possible += ["nullable"] if not field.nullable else []
    possible += ["finite", "int64"] if field.kind != "string" else []
    for name in ("minimum", "maximum", "allowed", "pattern", "multiple_of"):
        possible += [name] if getattr(field, name) is not None else []
    return possible


def _inject(field: Field, fault: str, draw: st.DataObject) -> tuple[Any, str]:
    """A bad value for ``field`` and the rule that must be named."""
    match fault:
        case "type":
            return draw.draw(st.sampled_from(TYPE_OF[field.kind])), "type"
        case "nullable":
            return None, "nullable"
        case "finite":
            return draw.draw(st.sampled_from([math.nan, math.inf, -math.inf])), "finite"
        case "int64":
            return draw.draw(st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**30, 10**4290])), "type"
        case "minimum":
            assert field.minimum is not None
            return field.minimum - draw.draw(st.integers(1, 1000)), "minimum"
        case "maximum":
            assert field.maximum is not None
            return field.maximum + draw.draw(st.integers(1, 1000)), "maximum"
        case "allowed":
            return draw.draw(st.text(max_size=5).filter(lambda text: text not in (field.allowed or ()))), "allowed"
        case "pattern":
            return draw.draw(st.sampled_from(["", "LAXX", "lax", "LAX\n", "ÄÖÜ", "LA"])), "pattern"
    assert field.multiple_of is not None
    return (draw.draw(st.integers(1, 50)) + draw.draw(st.floats(0.02, 0.98))) * field.multiple_of, "multiple_of"


def _post_v2(server: LiveServer, values: Rows) -> tuple[int, str, Details]:
    status, answer = server.post(INFER, {"inputs": tensors(server.fields, values)})
    return status, answer["error"], answer["details"]


def _post_maps(server: LiveServer, values: Rows) -> tuple[int, str, Details]:
    status, answer = server.post(PREDICT, {"jsonData": values})
    return status, answer["status"]["info"], answer["meta"]["tags"]["details"]


def _post_ndarray(server: LiveServer, values: Rows) -> tuple[int, str, Details]:
    status, answer = server.post(PREDICT, {"data": {"ndarray": [list(row.values()) for row in values]}})
    return status, answer["status"]["info"], answer["meta"]["tags"]["details"]


FORMS = (_post_v2, _post_maps, _post_ndarray)


@pytest.mark.parametrize("post", FORMS)
@pytest.mark.parametrize("fault", FAULTS)
@LIVE
@given(data=st.data())
def test_a_bad_value_is_refused_by_field_rule_and_row(
    server: LiveServer, post: Any, fault: str, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from([field for field in server.fields if fault in _faults(field)]))
    values = rows(server.fields, data.draw(st.sampled_from([1, 2, 7])), seed=data.draw(st.integers(0, 99)))
    at = data.draw(st.integers(0, len(values) - 1))
    bad, rule = _inject(field, fault, data)
    values[at][field.name] = bad
    status, message, details = post(server, values)
    assert status == 400
    assert [(entry["field"], entry["rule"], entry["row"]) for entry in details] == [(field.name, rule, at)]
    assert f"field {field.name!r}, row {at}" in message
    assert f"rule {rule}" in message


@pytest.mark.parametrize("post", [_post_v2, _post_maps])
@pytest.mark.parametrize("count", [1, 3])
def test_a_missing_and_an_extra_field_are_named(server: LiveServer, post: Any, count: int) -> None:
    values = rows(server.fields, count)
    for row in values:
        row["temperature"] = row.pop("temp")
    if post is _post_v2:
        renamed = [field for field in server.fields if field.name != "temp"]
        inputs = tensors([*renamed, Field("temperature", "number")], values)
        status, answer = server.post(INFER, {"inputs": inputs})
        details = answer["details"]
    else:
        status, _, details = post(server, values)
    assert status == 400
    found = {(entry["field"], entry["rule"]) for entry in details}
    assert found == {("temp", "required"), ("temperature", "unknown_field")}


@pytest.mark.parametrize("change", [-1, 1])
def test_a_row_of_another_length_is_named(server: LiveServer, change: int) -> None:
    table = [list(row.values()) for row in rows(server.fields, 3)]
    table[1] = table[1][:-1] if change < 0 else [*table[1], 1]
    status, answer = server.post(PREDICT, {"data": {"ndarray": table}})
    (detail,) = answer["meta"]["tags"]["details"]
    assert (status, detail["rule"], detail["row"]) == (400, "length", 1)


def test_a_tensor_of_another_length_is_named(server: LiveServer) -> None:
    inputs = tensors(server.fields, rows(server.fields, 3))
    inputs[4] |= {"shape": [2], "data": inputs[4]["data"][:2]}
    status, answer = server.post(INFER, {"inputs": inputs})
    (detail,) = answer["details"]
    assert (status, detail["field"], detail["rule"]) == (400, inputs[4]["name"], "length")


@pytest.mark.parametrize("shape", [[], [2], [1, 2], [2, 2], [-1], [1, 1, 1], [0]])
def test_a_shape_that_does_not_fit_is_named(server: LiveServer, shape: list[int]) -> None:
    inputs = tensors(server.fields, rows(server.fields, 1))
    inputs[3]["shape"] = shape
    status, answer = server.post(INFER, {"inputs": inputs})
    (detail,) = answer["details"]
    assert (status, detail["field"], detail["rule"]) == (400, inputs[3]["name"], "shape")


@pytest.mark.parametrize(
    ("name", "datatype"), [("year", "BYTES"), ("carrier", "INT64"), ("temp", "BYTES"), ("year", "XYZ")]
)
def test_a_datatype_that_does_not_fit_is_named(server: LiveServer, name: str, datatype: str) -> None:
    inputs = tensors(server.fields, rows(server.fields, 1))
    for tensor in inputs:
        if tensor["name"] == name:
            tensor["datatype"] = datatype
    status, answer = server.post(INFER, {"inputs": inputs})
    (detail,) = answer["details"]
    assert (status, detail["field"], detail["rule"]) == (400, name, "datatype")


def test_an_int32_beyond_32_bits_is_named(server: LiveServer) -> None:
    inputs = tensors(server.fields, rows(server.fields, 2))
    inputs[0] |= {"datatype": "INT32", "data": [2013, 2**31]}
    status, answer = server.post(INFER, {"inputs": inputs})
    (detail,) = answer["details"]
    assert (status, detail["field"], detail["rule"], detail["row"]) == (400, inputs[0]["name"], "datatype", 1)


def test_two_tensors_or_columns_of_one_name_are_named(server: LiveServer) -> None:
    values = rows(server.fields, 1)
    inputs = tensors(server.fields, values)
    status, answer = server.post(INFER, {"inputs": [*inputs, inputs[2]]})
    (detail,) = answer["details"]
    assert (status, detail["field"], detail["rule"]) == (400, inputs[2]["name"], "duplicate")
    names = [*values[0], "year"]
    status, answer = server.post(PREDICT, {"data": {"names": names, "ndarray": [[*values[0].values(), 2013]]}})
    (detail,) = answer["meta"]["tags"]["details"]
    assert (status, detail["field"], detail["rule"]) == (400, "year", "duplicate")


def test_a_doubled_json_key_is_named(server: LiveServer) -> None:
    row = json.dumps(rows(server.fields, 1)[0])
    doubled = row.replace('"month"', '"month": 3, "month"', 1)
    status, answer = server.post(PREDICT, f'{{"jsonData": {doubled}}}'.encode())
    (detail,) = answer["meta"]["tags"]["details"]
    assert (status, detail["field"], detail["rule"]) == (400, "month", "duplicate")
    inputs = json.dumps(tensors(server.fields, rows(server.fields, 1))).replace('"data"', '"data": [1], "data"', 1)
    status, answer = server.post(INFER, f'{{"inputs": {inputs}}}'.encode())
    assert (status, answer["details"][0]["rule"]) == (400, "duplicate")


EMPTY = [
    (INFER, {"inputs": []}),
    (PREDICT, {"jsonData": []}),
    (PREDICT, {"jsonData": {}}),
    (PREDICT, {"data": {"ndarray": []}}),
    (PREDICT, {"data": {"ndarray": [[]]}}),
    (PREDICT, {"data": {"tensor": {"shape": [0, 26], "values": []}}}),
    (PREDICT, {"data": {}}),
    (PREDICT, {}),
]


@pytest.mark.parametrize(("path", "message"), EMPTY)
def test_an_empty_batch_is_refused(server: LiveServer, path: str, message: dict[str, Any]) -> None:
    assert server.post(path, message)[0] == 400


def test_tensors_without_rows_are_refused(server: LiveServer) -> None:
    status, answer = server.post(INFER, {"inputs": tensors(server.fields, [])})
    assert status == 400
    assert "batch is empty" in answer["error"]


BODIES = [
    b"", b"{", b"null", b"[]", b"1", b'"x"', b"nonsense", b"\x00", b"\xff\xfe\x00", b'{"inputs": "x"}',
    b'{"inputs": [1]}',
    b'{"inputs": [{"name": 1}]}', b'{"jsonData": 1}', b'{"jsonData": [1]}', b'{"data": 1}', b'{"data": {"ndarray": 1}}',
    b'{"data": {"ndarray": [1, 2]}}', b'{"data": {"ndarray": [{}]}}', b'{"strData": "x"}', b'{"binData": "eA=="}',
    b'{"data": {"ndarray": [[1]]}, "jsonData": {}}', b'{"inputs":' + b"[" * 400_000, b"[" * 1_000_000,
    b'{"jsonData":' + b'{"a":' * 150_000, b'{"jsonData": {"\\ud800": 1}}', b'{"jsonData": {"year": "\\ud800"}}',
    b'{"id": 5, "inputs": []}', b'{"jsonData": {"year": ' + b"9" * 100_000 + b"}}", b'{"jsonData": {"year": -1e999}}',
]  # fmt: skip


@pytest.mark.parametrize("path", [INFER, PREDICT])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
def test_a_broken_body_is_a_400(server: LiveServer, path: str, body: bytes) -> None:
    status, answer = server.post(path, body)
    assert status == 400
    assert answer.get("error") or answer["status"]["info"]


@pytest.mark.parametrize("path", [INFER, PREDICT])
def test_ten_megabytes_of_nesting_are_a_413(server: LiveServer, path: str) -> None:
    status, answer = server.post(path, b"[" * 10_000_000)
    assert status == 413
    assert "1048576 bytes" in (answer.get("error") or answer["status"]["info"])


@pytest.mark.parametrize("path", [INFER, PREDICT])
def test_a_long_id_is_refused(server: LiveServer, path: str) -> None:
    row = rows(server.fields, 1)
    message = {"id": "x" * 257, "inputs": tensors(server.fields, row)}
    if path == PREDICT:
        message = {"jsonData": row, "meta": {"puid": "x" * 257}}
    status, answer = server.post(path, message)
    assert status == 400
    assert "at most 256" in (answer.get("error") or answer["status"]["info"])


@pytest.mark.parametrize("path", [INFER, PREDICT])
def test_another_content_type_is_a_415(server: LiveServer, path: str) -> None:
    assert server.send("POST", path, b"a=1", Content_Type="text/csv")[0] == 415


def test_a_form_is_read_by_seldon_s_paths_only(server: LiveServer) -> None:
    form = "application/x-www-form-urlencoded"
    assert server.send("POST", INFER, b"json={}", Content_Type=form)[0] == 415
    for body in (b"a=1", b"", b"json=1&json=2", b"json=%ff", b"json=\xff", b"json=[", b"json=%ed%a0%80"):
        status, _, answer = server.send("POST", PREDICT, body, Content_Type=form)
        assert status == 400
        assert json.loads(answer)["status"]["info"]


@pytest.mark.parametrize("path", [INFER, PREDICT])
def test_another_method_is_a_405_with_allow(server: LiveServer, path: str) -> None:
    status, headers, _ = server.send("GET", path)
    assert (status, headers["Allow"]) == (405, "POST")


HEADERS = (
    "X-Request-Id", "Content-Type", "Content-Encoding", "Content-Length", "Accept", "Expect", "Transfer-Encoding",
    "Inference-Header-Content-Length", "Connection",
)  # fmt: skip


@LIVE
@given(
    name=st.sampled_from(HEADERS), value=st.binary(max_size=12).filter(lambda value: not set(value) & set(b"\0\r\n"))
)
def test_no_header_brings_down_a_handler(server: LiveServer, name: str, value: bytes) -> None:
    body = json.dumps({"jsonData": rows(server.fields, 1)[0]}).encode()
    for method, path, text in (("POST", PREDICT, body), ("POST", INFER, body), ("GET", "/metrics", b"")):
        length = b"" if name == "Content-Length" else b"Content-Length: %d\r\n" % len(text)
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{name}: ".encode() + value + b"\r\n" + length
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as caller:
            caller.sendall(head + b"\r\n" + text)
            caller.shutdown(socket.SHUT_WR)
            answer = caller.makefile("rb").readline()
        assert answer == b"" or answer.split()[1][:1] in b"24", answer


@LIVE
@given(data=st.data())
def test_a_good_body_with_a_bite_out_of_it_is_never_a_500(server: LiveServer, data: st.DataObject) -> None:
    values = rows(server.fields, 2, seed=3)
    path, message = data.draw(
        st.sampled_from([(INFER, {"inputs": tensors(server.fields, values)}), (PREDICT, {"jsonData": values})])
    )
    body = bytearray(json.dumps(message).encode())
    start = data.draw(st.integers(0, len(body)))
    body[start : start + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
    status, _ = server.post(path, bytes(body))
    assert status in (200, 400)


def test_the_server_still_answers(server: LiveServer) -> None:
    assert server.post(PREDICT, {"jsonData": rows(server.fields, 1)})[0] == 200
    assert "internal fault" not in server.log.read_text()
