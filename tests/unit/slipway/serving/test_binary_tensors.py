from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serving.binary_tensors import Cursor, encoded, split
from slipway.serving.replies import Refused
from tests.live_server import LiveServer, rows, tensors

INFER = "/v2/models/flight_delay/infer"
NUMPY = {"INT64": "<i8", "INT32": "<i4", "FP64": "<f8", "FP32": "<f4"}


def _bytes_of(tensor: dict[str, Any]) -> bytes:
    if tensor["datatype"] == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in tensor["data"])
    values = [float("nan") if value is None else value for value in tensor["data"]]
    return np.array(values, dtype=NUMPY[tensor["datatype"]]).tobytes()


def _can_be_bytes(tensor: dict[str, Any]) -> bool:
    return None not in tensor["data"] or tensor["datatype"].startswith("FP")


def _packed(message: dict[str, Any]) -> tuple[bytes, int]:
    """The body with every tensor behind the JSON that can stand there, and the length of the JSON."""
    chunks, inputs = [], []
    for tensor in message["inputs"]:
        if _can_be_bytes(tensor):
            chunks.append(_bytes_of(tensor))
            kept = {key: value for key, value in tensor.items() if key != "data"}
            inputs.append(kept | {"parameters": {"binary_data_size": len(chunks[-1])}})
        else:
            inputs.append(tensor)
    text = json.dumps(message | {"inputs": inputs}).encode()
    return b"".join((text, *chunks)), len(text)


def _send(
    server: LiveServer, body: bytes, length: Any, kind: str = "application/octet-stream"
) -> tuple[int, Any, bytes]:
    return server.send("POST", INFER, body, Content_Type=kind, Inference_Header_Content_Length=str(length))


@pytest.mark.parametrize("count", [1, 2, 500])
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json"])
def test_bytes_are_answered_as_json_is(server: LiveServer, count: int, kind: str) -> None:
    message = {"id": "b", "inputs": tensors(server.fields, rows(server.fields, count, seed=count))}
    body, length = _packed(message)
    assert length < len(body)
    status, _, answer = _send(server, body, length, kind)
    assert (status, json.loads(answer)) == server.post(INFER, message)


@pytest.mark.parametrize(
    "asked",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": name, "parameters": {"binary_data": True}} for name in ("late_probability", "late")]},
    ],
)
def test_outputs_come_as_bytes_where_they_are_asked_for(server: LiveServer, asked: dict[str, Any]) -> None:
    message = {"id": "b", "inputs": tensors(server.fields, rows(server.fields, 3, seed=4))}
    status, headers, answer = server.send("POST", INFER, json.dumps(message | asked).encode())
    length = int(headers["Inference-Header-Content-Length"])
    assert (status, headers["content-type"], headers["x-request-id"]) == (200, "application/octet-stream", "b")
    text = json.loads(answer[:length])
    scores, decisions = (output["data"] for output in server.post(INFER, message)[1]["outputs"])
    assert [output["parameters"] for output in text["outputs"]] == [{"binary_data_size": 24}, {"binary_data_size": 3}]
    assert all("data" not in output for output in text["outputs"])
    assert answer[length:] == struct.pack("<3d3?", *scores, *decisions)


def test_an_output_s_own_word_counts_before_the_request_s(server: LiveServer) -> None:
    message = {
        "inputs": tensors(server.fields, rows(server.fields, 1)),
        "outputs": [{"name": "late", "parameters": {"binary_data": False}}, {"name": "late_probability"}],
        "parameters": {"binary_data_output": True},
    }
    _, headers, answer = server.send("POST", INFER, json.dumps(message).encode())
    length = int(headers["Inference-Header-Content-Length"])
    late, score = json.loads(answer[:length])["outputs"]
    assert type(late["data"][0]) is bool
    assert (score["parameters"], len(answer) - length) == ({"binary_data_size": 8}, 8)


def test_the_extension_is_announced(server: LiveServer) -> None:
    assert server.get("/v2")[1]["extensions"] == ["binary_tensor_data"]


def test_a_wrong_size_is_refused_by_the_tensor_s_name(server: LiveServer) -> None:
    message = {"inputs": tensors(server.fields, rows(server.fields, 2, seed=1))}
    body, length = _packed(message)
    text = json.loads(body[:length])
    for change in (-1, 1, 10**6, -(10**6)):
        broken = json.loads(json.dumps(text))
        broken["inputs"][3]["parameters"]["binary_data_size"] += change
        head = json.dumps(broken).encode()
        status, _, answer = _send(server, head + body[length:], len(head))
        assert status == 400
        assert f"Tensor '{text['inputs'][3]['name']}'" in json.loads(answer)["error"]


@pytest.mark.parametrize("length", [-1, 10**9, "x", "", "1.5", "9" * 40, "²"])
def test_a_header_that_is_no_length_is_refused(length: Any) -> None:
    with pytest.raises(Refused, match="does not fit a body of 10 bytes"):
        split(b"0123456789", str(length))


def test_bytes_that_no_tensor_takes_are_refused(server: LiveServer) -> None:
    body, length = _packed({"inputs": tensors(server.fields, rows(server.fields, 1))})
    status, _, answer = _send(server, body + b"xyz", length)
    assert (status, json.loads(answer)["error"].split(".")[0]) == (400, "3 bytes behind the JSON belong to no tensor")


@pytest.mark.parametrize("parameters", [None, {"binary_data_size": 8}])
def test_a_tensor_has_either_data_or_a_size(server: LiveServer, parameters: Any) -> None:
    first, *others = tensors(server.fields, rows(server.fields, 1))
    if parameters is None:
        del first["data"]
    status, answer = server.post(INFER, {"inputs": [first | {"parameters": parameters}, *others]})
    assert status == 400
    assert repr(first["name"]) in answer["error"]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "said"),
    [
        ("INT64", [1], b"1234567", "7 bytes are not 1 elements of INT64"),
        ("FP32", [2], b"12345678901", "11 bytes are not 2 elements"),
        ("BYTES", [1], b"\x05\0\0\0abc", "element 0 says 5 bytes, but 3 are left"),
        ("BYTES", [1], b"\x01\0\0\0ab", "1 bytes at the end"),
        ("BYTES", [2], b"\x01\0\0\0a", "1 elements for 2 rows"),
        ("BYTES", [1], b"\x01\0\0\0\xff", "element 0 is not UTF-8"),
        ("FP16", [1], b"12", "datatype 'FP16' has no binary form"),
        ("FP64", [], b"", "is neither"),
        ("FP64", [-1], b"", "is neither"),
        ("FP64", [1, 2], b"", "is neither"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(datatype: str, shape: list[int], data: bytes, said: str) -> None:
    with pytest.raises(Refused, match=f"Tensor 'x': .*{said}"):
        Cursor(data).take("x", datatype, shape, len(data))


@given(st.lists(st.floats(allow_nan=False)), st.lists(st.booleans()))
def test_numbers_travel_to_the_last_bit(numbers: list[float], flags: list[bool]) -> None:
    data = encoded("FP64", numbers)
    assert Cursor(data).take("x", "FP64", [len(numbers), 1], len(data)) == numbers
    assert list(encoded("BOOL", flags)) == flags


@given(st.sampled_from(["INT64", "INT32", "FP64", "FP32", "BYTES"]), st.integers(0, 4), st.binary(max_size=40))
def test_no_bytes_raise_anything_but_a_refusal(datatype: str, count: int, data: bytes) -> None:
    try:
        values = Cursor(data).take("x", datatype, [count], len(data))
    except Refused:
        return
    assert len(values) == count
