"""A live server of a release, and rows to ask it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field, from_json
from slipway.files import read_json
from slipway.request_log import Answered, Feedback

MONOREPO = Path(__file__).resolve().parents[1]
DATATYPES = {"integer": "INT64", "number": "FP64", "string": "BYTES"}
_TYPES = {"integer": pl.Int64, "number": pl.Float64, "string": pl.String}
_AIRPORTS = ("ATL", "BOS", "LAX", "ORD", "PBI", "ZZZ")
SLIPWAY = (sys.executable, "-c", "from slipway.cli import main; main()")


def rows(fields: list[Field], count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows that keep the signature, from its bounds inward, a tenth of nullable values null."""
    source = random.Random(seed)
    return [{field.name: _value(field, source) for field in fields} for _ in range(count)]


def frame(fields: list[Field], values: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as the table that ``Release.score_table`` takes."""
    return pl.DataFrame(values, schema={field.name: _TYPES[field.kind] for field in fields})


def tensors(fields: list[Field], values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as V2 input tensors."""
    return [
        {
            "name": field.name,
            "shape": [len(values)],
            "datatype": DATATYPES[field.kind],
            "data": [row[field.name] for row in values],
        }
        for field in fields
    ]


def _value(field: Field, source: random.Random) -> Any:
    if field.nullable and source.random() < 0.1:
        return None
    if field.allowed is not None:
        return source.choice(field.allowed)
    if field.kind == "string":
        return source.choice(_AIRPORTS)
    assert field.minimum is not None
    assert field.maximum is not None
    if field.multiple_of is not None:
        return source.randint(0, int(field.maximum / field.multiple_of)) * field.multiple_of
    if field.kind == "integer":
        return source.randint(int(field.minimum), int(field.maximum))
    return source.uniform(field.minimum, field.maximum)


class Recorded:
    """A request log that keeps what it is told."""

    def __init__(self) -> None:
        self.answers: list[Answered] = []
        self.feedbacks: list[Feedback] = []

    def answered(self, record: Answered) -> None:
        self.answers.append(record)

    def feedback(self, record: Feedback) -> None:
        self.feedbacks.append(record)

    def counts(self) -> dict[str, float]:
        counted = dict.fromkeys(("published", "spooled", "replayed", "dropped", "pending", "spool_bytes"), 0.0)
        return counted | {"published": float(len(self.answers)), "connected": 1.0}


class LiveServer:
    """``slipway serve`` of one release in a process of its own, on a free loopback port."""

    def __init__(
        self,
        release: Path,
        *options: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            release: its folder.
            options: of ``slipway serve``.
            log: file for its standard error.
            environment: added to this process's.
        """
        self.release = release
        self.fields = from_json(read_json(release / "signature.json"))
        self.rules = RequestRules(self.fields)
        self.port = free_port()
        self.log = log
        arguments = [*SLIPWAY, "serve", str(release), "--port", str(self.port), *options]
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                arguments, stderr=stderr, cwd=MONOREPO, env={**os.environ, **(environment or {})},
            )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LiveServer:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.send("GET", "/ready")[0] == 200:
                    return self
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the server did not become ready:\n{self.log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def lines(self) -> list[dict[str, Any]]:
        """What the server has logged so far, as JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def figure(self, name: str) -> float:
        """A metric without labels, as it is scraped now."""
        text = self.send("GET", "/metrics")[2].decode()
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def wait_until_sent(self) -> None:
        """Wait until NATS has every record of the request log."""
        deadline = time.monotonic() + 60
        left = ("slipway_request_log_pending_records", "slipway_request_log_spool_bytes")
        while any(self.figure(name) for name in left):
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request on a connection of its own; header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Content-Type": "application/json"} | named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def post(self, path: str, message: Any) -> tuple[int, Any]:
        """Post JSON; the status and the decoded answer."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        status, _, answer = self.send("POST", path, body)
        return status, json.loads(answer)

    def get(self, path: str) -> tuple[int, Any]:
        """Get JSON; the status and the decoded answer."""
        status, _, answer = self.send("GET", path)
        return status, json.loads(answer)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
