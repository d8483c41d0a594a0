"""``slipway serve --grpc-port``: one process, two protocols, one release."""

from __future__ import annotations

import struct
from pathlib import Path

import grpc

from slipway.serving.grpc import open_inference_pb2 as pb
from slipway.serving.grpc.open_inference_pb2_grpc import GRPCInferenceServiceStub
from tests.conftest import MODEL
from tests.live_server import LiveServer, free_port, rows, tensors
from tests.unit.slipway.serving.grpc.test_service import typed


def test_both_protocols_give_equal_bits_and_both_end_on_sigterm(release_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with LiveServer(release_folder, "--grpc-port", str(port), log=tmp_path / "log") as live:
        values = rows(live.fields, 3)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = GRPCInferenceServiceStub(channel)
            assert stub.ServerReady(pb.ServerReadyRequest(), timeout=30, wait_for_ready=True).ready
            request = pb.ModelInferRequest(model_name=MODEL, inputs=typed(live.fields, values))
            score, decision = stub.ModelInfer(request, timeout=30).outputs
        status, answer = live.post(f"/v2/models/{MODEL}/infer", {"inputs": tensors(live.fields, values)})
        assert status == 200
        over_rest = answer["outputs"]
        assert struct.pack("<3d", *score.contents.fp64_contents) == struct.pack("<3d", *over_rest[0]["data"])
        assert list(decision.contents.bool_contents) == over_rest[1]["data"]
        metrics = live.send("GET", "/metrics")[2].decode()
        assert 'slipway_requests_total{code="200",protocol="grpc",route="ModelInfer"} 1.0' in metrics
        assert live.stop() == 0
    assert "unfinished" not in (tmp_path / "log").read_text()
