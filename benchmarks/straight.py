"""The peer of the pipeline: every stage's function, one after the other, in one process.

``python -m benchmarks.straight MODEL...``, at the top of a copy of the monorepo.

It shares with the pipeline the computing itself, so both make the same release, and the files between the stages:
the functions read and write them, and gates hash them (20 MB in the page cache, one or two seconds in all). It does
without what the pipeline adds: DVC (graph, hashes, cache, lock file), a process and its imports for each stage, and
uv's look at the drift environment. One part cannot be imported here, for alibi-detect does not fit the main
environment: the drift stage runs as one subprocess of that environment's Python. And gates budget and skew measure and
ask processes of their own, as ever.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines import challenge, evaluate, featurize, gate, ingest, package, study, train, validate

DRIFT_PYTHON = Path("environments/drift/.venv/bin/python")


def check_drift(model: str) -> None:
    """The drift stage, in its own environment."""
    subprocess.run([DRIFT_PYTHON, "pipelines/check_drift.py", model], check=True)


STAGES: dict[str, Callable[[str], None]] = {
    "ingest": ingest.ingest,
    "validate": validate.validate,
    "check_drift": check_drift,
    "featurize": featurize.featurize,
    "train": train.train,
    "evaluate": evaluate.evaluate,
    "study": study.study,
    "challenge": challenge.challenge,
    "gate": gate.gate,
    "package": package.package,
}


def main(models: list[str]) -> None:
    """From sources to a release, for each model."""
    for model in models:
        for stage in STAGES.values():
            stage(model)


if __name__ == "__main__":
    main(sys.argv[1:])
