"""One of the two sides of the benchmark ``predict``, in a process of its own.

``python -m benchmarks.predict tile MODEL ROWS FILE`` writes validated rows, repeated to ROWS of them, as Parquet.
``python -m benchmarks.predict peer MODEL FILE`` is the peer: it holds the features of FILE as one float64 matrix, has
``lightgbm.Booster.predict`` score it on all cores, and prints as JSON how long that call alone took. Reading, checking,
transforming, writing, starting Python: the peer does none of it in the time that is measured.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl

from slipway import project
from slipway.contracts.signature import from_json
from slipway.features import Table
from slipway.files import read_json
from slipway.release.find import find


def tile(model: str, rows: int, file: Path) -> None:
    """Write ``rows`` rows: all validated ones in order, again and again."""
    year = pl.concat([pl.read_parquet(month) for month in sorted(project.paths(model).validated.glob("*.parquet"))])
    pl.concat([year] * -(-rows // year.height)).head(rows).write_parquet(file)


def peer(model: str, file: Path) -> None:
    """Score ``file`` by LightGBM alone."""
    folder = find(model)
    booster = lightgbm.Booster(model_file=folder / "model.txt")
    names = [field.name for field in from_json(read_json(folder / "signature.json"))]
    features, state = project.module(model, "features"), read_json(folder / "state.json")
    matrix = np.column_stack(features.transform(Table(pl.read_parquet(file, columns=names)), state))
    booster.predict(matrix[:20_000])
    start, processor = time.perf_counter(), time.process_time()
    booster.predict(matrix)
    found = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - processor}
    print(json.dumps(found))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["tile", model, rows, file]:
            tile(model, int(rows), Path(file))
        case ["peer", model, file]:
            peer(model, Path(file))
        case _:
            sys.exit(__doc__)
