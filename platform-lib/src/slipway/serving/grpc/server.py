"""Listening for gRPC beside the HTTP server, on the same event loop."""

from __future__ import annotations

from collections.abc import Callable

import grpc.aio

from slipway.errors import EnvironmentFault
from slipway.serving.content import DISCARDED
from slipway.serving.grpc.counting import Counting
from slipway.serving.grpc.open_inference_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from slipway.serving.grpc.service import Service
from slipway.serving.scoring import Scorer


async def start(
    scorer: Scorer, ready: Callable[[], bool], host: str, port: int, max_message_bytes: int
) -> grpc.aio.Server:
    """Serve ``scorer`` on ``host:port`` until the server that is returned is stopped: ``await server.stop(seconds)``.

    Args:
        scorer: what answers; its metrics count and its log is told, under protocol "grpc".
        ready: whether the server is ready.
        host: address to listen on.
        port: TCP port.
        max_message_bytes: a longer message is refused with RESOURCE_EXHAUSTED.

    Raises:
        EnvironmentFault: when the address cannot be listened on.
    """
    # What is a little too long is read, to be counted; what is much too long is not, nor counted. Without the second
    # option, gRPC would share a port that another server listens on, without a word.
    options = [("grpc.max_receive_message_length", max_message_bytes + DISCARDED), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options, interceptors=[Counting(scorer.metrics, max_message_bytes)])
    add_GRPCInferenceServiceServicer_to_server(Service(scorer, ready), server)  # type: ignore[no-untyped-call]
    try:
        server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError as error:
        raise EnvironmentFault(
            f"Cannot listen on {host}:{port} for gRPC: {error}.", "Stop what listens there, or choose another port."
        ) from error
    await server.start()
    return server
