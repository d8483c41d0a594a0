"""What a packaged model takes: bytes, trees, milliseconds, memory.

Measured in a process of its own, so that nothing else's memory is counted and a model that eats it all takes only
that process down.
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

from slipway import project
from slipway.errors import EnvironmentFault
from slipway.gates.budget import Footprint

_ROWS = 300
_BATCHES = 5


def measure(model: str, file: Path) -> Footprint:
    """Footprint of the trained model in ``file``, answering real requests one at a time."""
    command = [sys.executable, "-m", "slipway.release.footprint", model, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(f"The footprint of {file} could not be measured: {done.stderr.strip()}")
    return Footprint(**json.loads(done.stdout))


def _measure_here(model: str, file: Path) -> dict[str, Any]:
    import lightgbm
    import numpy as np
    import polars as pl

    from slipway.features import Row

    paths, features = project.paths(model), project.module(model, "features")
    state = json.loads((paths.features / "state.json").read_text())
    requests = pl.read_parquet(max(paths.validated.glob("*.parquet"))).tail(_ROWS).to_dicts()
    before = _resident_mib()
    booster = lightgbm.Booster(model_file=file)

    def answer(request: dict[str, Any]) -> None:
        booster.predict(np.array([features.transform(Row(request), state)], dtype=np.float64), num_threads=1)

    seconds = [_mean_seconds(answer, requests) for _ in range(_BATCHES)]
    return {
        "model_bytes": file.stat().st_size,
        "trees": booster.num_trees(),
        "single_row_ms": 1000 * statistics.median(seconds),
        "memory_mib": max(0.0, _resident_mib() - before),
    }


def _mean_seconds(answer: Callable[[dict[str, Any]], None], requests: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    for request in requests:
        answer(request)
    return (time.perf_counter() - start) / len(requests)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1], Path(sys.argv[2]))))
