"""Reading MLflow's store without MLflow, whose import takes longer than verifying a release.

The store is SQLite, its tables those of the MLflow version that is pinned; ``slipway record`` writes them by MLflow
itself (:mod:`slipway.adapters.tracking`), and a test reads here what was written there.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from slipway.errors import EnvironmentFault, SlipwayError

FILE = Path("mlflow") / "mlflow.db"
RELEASE_TAG = "slipway.release"
_QUERY = """
    SELECT v.run_id, t.value FROM model_versions AS v
    JOIN model_version_tags AS g ON g.name = v.name AND g.version = v.version AND g.key = :tag
    LEFT JOIN tags AS t ON t.run_uuid = v.run_id AND t.key = :tag
    WHERE v.name = :model AND g.value = :release ORDER BY v.version
"""


class NotRecorded(SlipwayError):
    """MLflow's store does not know the release."""

    exit_code = 3


def find(store: Path, model: str, release: str) -> str:
    """The MLflow run of ``release``, a digest, whose registered version and run both name it.

    Raises:
        NotRecorded: when no version names it, or its run names another.
        EnvironmentFault: when the store cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            asked = {"tag": RELEASE_TAG, "model": model, "release": release}
            rows = connection.execute(_QUERY, asked).fetchall()
    except sqlite3.Error as error:
        raise EnvironmentFault(
            f"The MLflow store {store} cannot be read: {error}.", "Record the release again."
        ) from error
    if not rows:
        raise NotRecorded(
            f"MLflow has no version of {model} that names release {release[:12]}.",
            f"Record it: `slipway record {model}`.",
        )
    run, named = rows[-1]
    if named != release:
        raise NotRecorded(
            f"MLflow's version of {model} names release {release[:12]}, but its run {run} names {str(named)[:12]}.",
            "Find out who changed MLflow's store, and record the release again.",
        )
    return str(run)
