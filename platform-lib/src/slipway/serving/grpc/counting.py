"""What gRPC refuses before a method is called, so that it is counted as REST's refusals are.

By itself gRPC answers an unknown method, a message that cannot be decoded and one that is too long, and tells nobody.
Here the first is seen on its way, and the others reach their method as what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from slipway.serving.content import too_long
from slipway.serving.metrics import Metrics
from slipway.serving.replies import Refused

PROTOCOL = "grpc"
UNKNOWN = "unknown"
# As HTTP says "not implemented".
_UNIMPLEMENTED = 501


class Counting(grpc.aio.ServerInterceptor):  # type: ignore[misc] # grpcio ships no types
    """Counts calls of unknown methods, and lets the others have messages that cannot be read as a Refused.

    Args:
        metrics: of the server.
        max_message_bytes: what a longer message is refused for.
    """

    def __init__(self, metrics: Metrics, max_message_bytes: int) -> None:
        self._unknown = metrics.route(PROTOCOL, UNKNOWN)
        self._limit = max_message_bytes
        self._known: dict[str, Any] = {}

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """The handler of the method, or None for gRPC to say that there is none."""
        handler = await continuation(details)
        if handler is None:
            self._unknown.codes[_UNIMPLEMENTED] += 1
            return None
        if details.method not in self._known:
            self._known[details.method] = grpc.unary_unary_rpc_method_handler(
                handler.unary_unary, self._reader(handler.request_deserializer), handler.response_serializer
            )
        return self._known[details.method]

    def _reader(self, decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def read(message: bytes) -> Any:
            if len(message) > self._limit:
                return too_long(self._limit)
            try:
                return decode(message)
            except DecodeError:
                return Refused(400, "The message is not one of Open Inference V2.", "Send it as the .proto says.")

        return read
