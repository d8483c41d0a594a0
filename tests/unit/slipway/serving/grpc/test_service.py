"""A real gRPC client against a real gRPC server of the release."""

from __future__ import annotations

import asyncio
import json
import math
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop

from slipway.contracts.signature import Field
from slipway.errors import EnvironmentFault
from slipway.release import load
from slipway.serving.content import DISCARDED
from slipway.serving.grpc import open_inference_pb2 as pb
from slipway.serving.grpc import start
from slipway.serving.grpc.open_inference_pb2_grpc import GRPCInferenceServiceStub
from slipway.serving.scoring import Scorer
from tests.conftest import MODEL
from tests.live_server import frame, free_port, rows

LIMIT = 1 << 20
Row = dict[str, Any]


@dataclass
class Live:
    """A running server, what it serves, and a client of it."""

    scorer: Scorer
    port: int
    stub: Any
    ready: bool = True

    def infer(self, **parts: Any) -> pb.ModelInferResponse:
        return self.stub.ModelInfer(pb.ModelInferRequest(model_name=MODEL, **parts), timeout=30)

    def refused(self, **parts: Any) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.RpcError) as caught:
            self.infer(**parts)
        return caught.value.code(), caught.value.details()


@pytest.fixture(scope="module")
def live(release_folder: Path) -> Iterator[Live]:
    """On an event loop of the server's kind, in a thread of its own."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = free_port()
    served = Live(Scorer(load(release_folder)), port, None)
    beginning = start(served.scorer, lambda: served.ready, "127.0.0.1", port, LIMIT)
    server = asyncio.run_coroutine_threadsafe(beginning, loop).result(60)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        served.stub = GRPCInferenceServiceStub(channel)
        yield served
    asyncio.run_coroutine_threadsafe(server.stop(5), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


def datatype(field: Field) -> str:
    """What can carry each value of ``field``, the missing one included."""
    return {"integer": "FP64" if field.nullable else "INT64", "number": "FP64", "string": "BYTES"}[field.kind]


def typed(fields: list[Field], values: list[Row]) -> list[pb.ModelInferRequest.InferInputTensor]:
    tensors = []
    for field in fields:
        tensor = pb.ModelInferRequest.InferInputTensor(
            name=field.name, datatype=datatype(field), shape=[len(values), 1]
        )
        data = [row[field.name] for row in values]
        if tensor.datatype == "BYTES":
            tensor.contents.bytes_contents.extend(text.encode() for text in data)
        elif tensor.datatype == "INT64":
            tensor.contents.int64_contents.extend(data)
        else:
            tensor.contents.fp64_contents.extend(math.nan if value is None else value for value in data)
        tensors.append(tensor)
    return tensors


def raw(fields: list[Field], values: list[Row]) -> dict[str, Any]:
    """The same as raw bytes."""
    tensors = typed(fields, values)
    contents = []
    for tensor in tensors:
        if tensor.datatype == "BYTES":
            contents.append(b"".join(struct.pack("<I", len(text)) + text for text in tensor.contents.bytes_contents))
        elif tensor.datatype == "INT64":
            contents.append(struct.pack(f"<{len(values)}q", *tensor.contents.int64_contents))
        else:
            contents.append(struct.pack(f"<{len(values)}d", *tensor.contents.fp64_contents))
        tensor.ClearField("contents")
    return {"inputs": tensors, "raw_input_contents": contents}


@pytest.mark.parametrize("count", [1, 2, 400])
def test_answers_equal_the_offline_score_bit_by_bit(live: Live, count: int) -> None:
    fields, release = live.scorer.fields, live.scorer.release
    values = rows(fields, count, seed=count)
    scores = release.score_table(frame(fields, values))
    score, decision = live.infer(inputs=typed(fields, values)).outputs
    assert (score.name, score.datatype, list(score.shape)) == (release.score_name, "FP64", [count])
    assert struct.pack(f"<{count}d", *score.contents.fp64_contents) == scores.tobytes()
    assert (decision.name, decision.datatype) == (release.decision_name, "BOOL")
    assert list(decision.contents.bool_contents) == (scores >= release.threshold).tolist()
    answer = live.infer(**raw(fields, values))
    assert list(answer.raw_output_contents) == [scores.tobytes(), (scores >= release.threshold).tobytes()]
    assert not any(output.HasField("contents") for output in answer.outputs)


def test_the_id_is_the_caller_s_or_a_new_one(live: Live) -> None:
    inputs = typed(live.scorer.fields, rows(live.scorer.fields, 1))
    assert live.infer(inputs=inputs, id="a-1").id == "a-1"
    first, second = live.infer(inputs=inputs).id, live.infer(inputs=inputs).id
    assert first != second
    assert len(first) == 36
    request = pb.ModelInferRequest(model_name=MODEL, inputs=inputs)
    assert live.stub.ModelInfer(request, metadata=[("x-request-id", "from-a-header")]).id == "from-a-header"
    answer = live.infer(inputs=inputs)
    assert (answer.model_name, answer.model_version) == (MODEL, live.scorer.release.digest)


def test_only_the_outputs_asked_for_are_answered_in_their_order(live: Live) -> None:
    inputs = typed(live.scorer.fields, rows(live.scorer.fields, 2))
    wanted = [pb.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in ("late", "late_probability")]
    assert [output.name for output in live.infer(inputs=inputs, outputs=wanted).outputs] == ["late", "late_probability"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("temp", 500.0, "field 'temp', row 1: 500.0 is above 130 °F (rule maximum)"),
        ("plane_seats", 1.5, "field 'plane_seats', row 1: 1.5 is a number, not an integer (rule type)"),
        ("plane_seats", math.inf, "(rule finite)"),
        ("carrier", "??", "field 'carrier', row 1: '??' is none of 9E, AA"),
        ("month", 13, "(rule maximum)"),
    ],
)
def test_a_broken_rule_is_an_invalid_argument_that_names_field_row_and_rule(
    live: Live, name: str, value: Any, said: str
) -> None:
    good, bad = rows(live.scorer.fields, 2)
    before = live.scorer.metrics.failures.total()
    for parts in (
        {"inputs": typed(live.scorer.fields, [good, bad | {name: value}])},
        raw(live.scorer.fields, [good, bad | {name: value}]),
    ):
        code, details = live.refused(**parts)
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert said in details
    assert live.scorer.metrics.failures.total() == before + 2


def test_a_missing_value_where_none_may_be_is_refused_by_rule(live: Live) -> None:
    (row,) = rows(live.scorer.fields, 1)
    tensors = typed(live.scorer.fields, [row])
    month = next(tensor for tensor in tensors if tensor.name == "month")
    month.datatype = "FP64"
    month.ClearField("contents")
    month.contents.fp64_contents.append(math.nan)
    code, details = live.refused(inputs=tensors)
    assert (code, "field 'month', row 0: null is not allowed (rule nullable)" in details) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        True,
    )


def broken(live: Live, fault: str) -> dict[str, Any]:
    """A request with one fault in its form."""
    fields = live.scorer.fields
    values = rows(fields, 1)
    good, as_bytes = typed(fields, values), raw(fields, values)
    first = good[0]
    match fault:
        case "no inputs":
            good.clear()
        case "a tensor missing":
            good.pop()
        case "doubled":
            good.append(first)
        case "wrong contents":
            first.contents.fp64_contents.append(1.0)
        case "wrong shape":
            first.shape[:] = [7]
        case "unknown datatype":
            first.datatype = "FP16"
        case "text in an integer field":
            first.datatype = "BYTES"
            first.ClearField("contents")
            first.contents.bytes_contents.append(b"2013")
        case "no UTF-8":
            tensor = next(tensor for tensor in good if tensor.datatype == "BYTES")
            tensor.contents.bytes_contents[0] = b"\xff"
        case "raw and typed":
            return {**as_bytes, "inputs": good}
        case "one raw too few":
            return {**as_bytes, "raw_input_contents": as_bytes["raw_input_contents"][:-1]}
        case "raw too short":
            return {**as_bytes, "raw_input_contents": [b"\0", *as_bytes["raw_input_contents"][1:]]}
        case "a long id":
            return {"inputs": good, "id": "x" * 300}
    return {"inputs": good}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("no inputs", "it is missing"),
        ("a tensor missing", "(rule required)"),
        ("doubled", "(rule duplicate)"),
        ("wrong contents", "has int64_contents, fp64_contents. Fill int64_contents."),
        ("wrong shape", "(rule shape)"),
        ("unknown datatype", "Datatypes: BOOL, INT32"),
        ("text in an integer field", "(rule datatype)"),
        ("no UTF-8", "holds bytes that are not UTF-8"),
        ("raw and typed", "Send one of the two"),
        ("one raw too few", "Send the raw bytes of every input, or of none"),
        ("raw too short", "1 bytes are not 1 elements of INT64"),
        ("a long id", "The id has 300 characters"),
    ],
)
def test_a_broken_form_is_an_invalid_argument_that_says_what(live: Live, fault: str, said: str) -> None:
    code, details = live.refused(**broken(live, fault))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert said in details


@pytest.mark.parametrize("other", [{"model_name": "nope"}, {"model_version": "0" * 64}, {"model_version": "04"}])
def test_another_model_or_version_is_not_found(live: Live, other: dict[str, str]) -> None:
    inputs = typed(live.scorer.fields, rows(live.scorer.fields, 1))
    with pytest.raises(grpc.RpcError) as caught:
        live.stub.ModelInfer(pb.ModelInferRequest(**({"model_name": MODEL, "inputs": inputs} | other)))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert live.scorer.release.digest in caught.value.details()


def test_a_message_beyond_the_limit_is_refused(live: Live) -> None:
    inputs = typed(live.scorer.fields, rows(live.scorer.fields, 1))
    code, _ = live.refused(inputs=inputs, raw_input_contents=[b"x" * LIMIT])
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    code, _ = live.refused(inputs=inputs, raw_input_contents=[b"x" * (LIMIT + DISCARDED)])
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_internal_fault_says_nothing_but_its_id(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(live.scorer, "answer", fail)
    code, details = live.refused(inputs=typed(live.scorer.fields, rows(live.scorer.fields, 1)))
    assert code == grpc.StatusCode.INTERNAL
    assert details.startswith("Internal fault ")
    assert "secret" not in details


def test_liveness_readiness_and_metadata(live: Live) -> None:
    digest = live.scorer.release.digest
    assert live.stub.ServerLive(pb.ServerLiveRequest()).live
    for ready in (False, True):
        live.ready = ready
        assert live.stub.ServerReady(pb.ServerReadyRequest()).ready is ready
        assert live.stub.ModelReady(pb.ModelReadyRequest(name=MODEL, version=digest[:8])).ready is ready
    assert live.stub.ServerMetadata(pb.ServerMetadataRequest()).name == "slipway"
    facts = live.stub.ModelMetadata(pb.ModelMetadataRequest(name=MODEL))
    assert (facts.name, list(facts.versions), facts.platform) == (MODEL, [digest], "lightgbm")
    assert [tensor.name for tensor in facts.inputs] == [field.name for field in live.scorer.fields]
    assert [(tensor.name, tensor.datatype) for tensor in facts.outputs] == [
        ("late_probability", "FP64"),
        ("late", "BOOL"),
    ]
    assert all(list(tensor.shape) == [-1] for tensor in (*facts.inputs, *facts.outputs))


def test_requests_are_counted_by_method_and_status(live: Live) -> None:
    figures = live.scorer.metrics.route("grpc", "ModelInfer")
    before, seen = figures.codes.copy(), sum(figures.duration.counts)
    live.infer(inputs=typed(live.scorer.fields, rows(live.scorer.fields, 1)))
    live.refused(inputs=[])
    assert figures.codes - before == {200: 1, 400: 1}
    assert sum(figures.duration.counts) == seen + 2
    assert live.scorer.metrics.in_flight == 0


def test_an_address_that_is_taken_is_named(live: Live) -> None:
    async def again() -> None:
        await start(live.scorer, lambda: True, "127.0.0.1", live.port, LIMIT)

    with pytest.raises(EnvironmentFault, match=f"Cannot listen on 127.0.0.1:{live.port} for gRPC"):
        asyncio.run(again())


def test_nothing_else_imports_grpc() -> None:
    code = "import json, sys, slipway.serving.server; print(json.dumps('grpc' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
