"""``slipway record``: write a release into MLflow."""

from __future__ import annotations

import sys

from slipway.cli.options import Json, Model


def record(model: Model, json: Json = False) -> None:
    """Record a model's newest release in MLflow (mlflow/mlflow.db) and alias it ``challenger``.

    Recording twice changes nothing. Look at it with: mlflow ui --backend-store-uri sqlite:///mlflow/mlflow.db

    Examples:

      slipway record flight_delay

      slipway record flight_delay --json
    """
    from slipway import project
    from slipway.adapters.tracking import record as write
    from slipway.files import canonical_json
    from slipway.progress import console, step
    from slipway.release import load
    from slipway.release.find import find

    paths = project.paths(model)
    project.enter()
    release = load(find(model))
    with step(f"recording release {release.digest[:12]} in MLflow"):
        done = write(release, paths)
    if json:
        facts = {"release": release.digest, "run": done.run, "version": done.version, "already": done.already}
        sys.stdout.write(canonical_json(facts).decode())
    else:
        note = " (it was recorded already)" if done.already else ""
        console.print(f"  {model} version {done.version}, alias challenger, run {done.run}{note}")
