"""What gRPC itself refuses: real calls to a real server, and what its metrics say of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import uvloop

from slipway.release import load
from slipway.serving.grpc import start
from slipway.serving.scoring import Scorer
from tests.live_server import free_port

LIMIT = 1000
SERVICE = "/inference.GRPCInferenceService"


@pytest.fixture
def scorer(release_folder: Path) -> Scorer:
    return Scorer(load(release_folder))


@pytest.fixture
def channel(scorer: Scorer) -> Iterator[grpc.Channel]:
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = free_port()
    beginning = start(scorer, lambda: True, "127.0.0.1", port, LIMIT)
    server = asyncio.run_coroutine_threadsafe(beginning, loop).result(60)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    asyncio.run_coroutine_threadsafe(server.stop(5), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


def refused(channel: grpc.Channel, method: str, message: bytes) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(method)(message, timeout=30)
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize(
    ("method", "message", "code", "counted"),
    [
        (f"{SERVICE}/ModelInfer", b"x" * (LIMIT + 1), grpc.StatusCode.RESOURCE_EXHAUSTED, ("ModelInfer", 413)),
        (f"{SERVICE}/ModelReady", b"\xff" * LIMIT, grpc.StatusCode.INVALID_ARGUMENT, ("ModelReady", 400)),
        (f"{SERVICE}/ServerLive", b"\x08", grpc.StatusCode.INVALID_ARGUMENT, ("ServerLive", 400)),
        (f"{SERVICE}/Nothing", b"", grpc.StatusCode.UNIMPLEMENTED, ("unknown", 501)),
        ("/another.Service/ModelInfer", b"", grpc.StatusCode.UNIMPLEMENTED, ("unknown", 501)),
    ],
)
def test_a_refusal_of_grpc_s_own_is_counted(
    scorer: Scorer, channel: grpc.Channel, method: str, message: bytes, code: grpc.StatusCode, counted: tuple[str, int]
) -> None:
    assert [refused(channel, method, message)[0] for _ in range(3)] == [code] * 3
    route, status = counted
    assert scorer.metrics.route("grpc", route).codes[status] == 3
    said = scorer.metrics.exposition("")[0].decode()
    assert f'slipway_requests_total{{code="{status}",protocol="grpc",route="{route}"}} 3.0' in said
    assert scorer.metrics.in_flight == 0
    live = channel.unary_unary(f"{SERVICE}/ServerLive")(b"", timeout=30)
    assert live == b"\x08\x01"
