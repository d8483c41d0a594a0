"""What the person who runs a server may set of its request log."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

STREAM = "slipway-requests"
SUBJECTS = "slipway.requests"
LOCAL = ("nats://127.0.0.1:4222",)


class Access(NamedTuple):
    """How NATS is reached.

    Attributes:
        servers: URLs of the servers of one cluster. One of tls:// makes TLS a must for all.
        credentials: a user's .creds file, with a JWT and a seed, as ``nsc`` makes it; or None.
        ca_file: PEM file of the authorities that may vouch for a server, which makes TLS a must; without it the
            system's do.
    """

    servers: tuple[str, ...]
    credentials: Path | None = None
    ca_file: Path | None = None

    @property
    def needs_tls(self) -> bool:
        return self.ca_file is not None or any(server.startswith("tls://") for server in self.servers)


def default_spool() -> Path:
    """The spool below the user's state folder ($XDG_STATE_HOME)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "slipway" / "request_log"


@dataclass(frozen=True)
class Settings:
    """Settings of one server's request log.

    Attributes:
        servers, credentials, ca_file: of :class:`Access`.
        stream: name of the JetStream stream; it is created if there is none.
        subjects: what subjects begin with; the model's name follows.
        spool: folder for what NATS has not taken yet. All processes that share it must have the same servers.
        max_spool_bytes: how much of it one process may fill; what comes after is dropped and counted.
        batch_records: most records of one message.
        interval_seconds: how often records are sent; what a killed server can lose is younger than this.
        max_pending: most records in memory that are not encoded yet; what comes after is dropped and counted.
        ack_seconds: after it, a message without acknowledgement goes by way of the spool.
        token_key_file: file with the secret for fields that are logged as tokens.
    """

    servers: tuple[str, ...] = LOCAL
    stream: str = STREAM
    subjects: str = SUBJECTS
    spool: Path = field(default_factory=default_spool)
    max_spool_bytes: int = 1 << 30
    batch_records: int = 256
    interval_seconds: float = 0.05
    max_pending: int = 16_384
    ack_seconds: float = 5.0
    token_key_file: Path | None = None
    credentials: Path | None = None
    ca_file: Path | None = None

    @property
    def access(self) -> Access:
        return Access(self.servers, self.credentials, self.ca_file)
