"""What the person who starts a server may set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of one server.

    Attributes:
        host: address to listen on; the default is reached from this machine only.
        port: TCP port.
        max_body_bytes: a longer request body is refused with 413.
        body_seconds: a body that takes longer to arrive is refused with 408.
        drain_seconds: after SIGTERM, how long requests under way may take to finish.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    max_body_bytes: int = 1 << 20
    body_seconds: float = 30.0
    drain_seconds: float = 20.0
