"""What the person who starts a server may set."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway import request_log
from slipway.serving.deployment import Deployment


@dataclass(frozen=True)
class Settings:
    """Settings of one server.

    Attributes:
        host: address to listen on; the default is reached from this machine only.
        port: TCP port.
        metrics_port: a second TCP port that answers with the metrics only, or None.
        grpc_port: TCP port for gRPC, or None.
        max_body_bytes: a longer request body is refused with 413.
        body_seconds: a body that takes longer to arrive is refused with 408.
        drain_seconds: after SIGTERM, how long requests under way may take to finish.
        unready_seconds: after SIGTERM, how long to answer as before while the readiness paths say 503.
        log_format: "json" or "console"; by default console in a terminal, JSON elsewhere.
        deployment: who deployed the server.
        workers: processes that serve, each on a core of its own.
        request_log: where records of all that is answered go; None to keep none.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int | None = None
    grpc_port: int | None = None
    max_body_bytes: int = 1 << 20
    body_seconds: float = 30.0
    drain_seconds: float = 20.0
    unready_seconds: float = 0.0
    log_format: str | None = None
    deployment: Deployment = field(default_factory=Deployment)
    workers: int = 1
    request_log: request_log.Settings | None = None
