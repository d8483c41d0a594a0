"""What a release takes: bytes, trees, milliseconds, memory.

Measured in a process of its own, so that nothing else's memory is counted and a model that eats it all takes only
that process down. It loads and answers by :mod:`slipway.release.load`, as every server does.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from slipway.errors import EnvironmentFault
from slipway.gates.budget import Footprint
from slipway.release.load import load

_ROWS = 300
_BATCHES = 5


def measure(folder: Path, requests: Path) -> Footprint:
    """Footprint of the release in ``folder``, answering the last rows of the Parquet file ``requests`` one at a time.

    Raises:
        EnvironmentFault: when it cannot be loaded or does not answer; it shows why.
    """
    command = [sys.executable, "-m", "slipway.release.footprint", str(folder), str(requests)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(f"The footprint of {folder} could not be measured: {done.stderr.strip()}")
    return Footprint(**json.loads(done.stdout))


def _measure_here(folder: Path, requests: Path) -> dict[str, Any]:
    rows = pl.read_parquet(requests).tail(_ROWS).to_dicts()
    before = _resident_mib()
    release = load(folder)
    seconds = [_mean_seconds(release.score_row, rows) for _ in range(_BATCHES)]
    return {
        "model_bytes": (folder / "model.txt").stat().st_size,
        "trees": release.trees,
        "single_row_ms": 1000 * statistics.median(seconds),
        "memory_mib": max(0.0, _resident_mib() - before),
    }


def _mean_seconds(answer: Callable[[dict[str, Any]], float], rows: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    for row in rows:
        answer(row)
    return (time.perf_counter() - start) / len(rows)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


if __name__ == "__main__":
    print(json.dumps(_measure_here(Path(sys.argv[1]), Path(sys.argv[2]))))
