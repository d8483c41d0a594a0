"""Loading a server with wrk: as fast as it goes, each connection sending its next request when it has its answer."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import EnvironmentFault

_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What wrk found.

    Attributes:
        answers: answered requests.
        per_second: answered requests per second.
        p50_ms, p99_ms: latency.
        broken: connections refused or broken, and requests without an answer within the time limit.
    """

    answers: int
    per_second: float
    p50_ms: float
    p99_ms: float
    broken: int


def load(url: str, path: str, bodies: Path, connections: int, seconds: float) -> Load:
    """Post the lines of ``bodies`` in turn, by one thread of wrk, which needs less of a core than any server here.

    Raises:
        EnvironmentFault: when wrk does not run, when anything was not answered with 2xx, or when nothing was answered.
    """
    command = [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s",
        "--script", str(_SCRIPT), url, "--", str(bodies), path,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(f"`{' '.join(command)}` failed: {done.stdout}{done.stderr}", "Run `make setup`.")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["not_2xx"] or not found["requests"]:
        raise EnvironmentFault(
            f"{url}{path} answered {found['requests']} requests, of them {found['not_2xx']} not with 2xx.",
            "Nothing was measured: a refusal is faster than an answer.",
        )
    answers = found["requests"]
    return Load(answers, answers / found["seconds"], found["p50_ms"], found["p99_ms"], found["broken"])
