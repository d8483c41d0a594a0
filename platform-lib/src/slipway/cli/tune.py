"""``slipway tune``: search for better training parameters, and record what was found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Json, Model

if TYPE_CHECKING:
    from slipway.tuning.search import Search

_BEST_SHOWN = 5


def tune(
    model: Model,
    trials: Annotated[int, typer.Option(min=2, help="How many trials the record is to hold.")] = 30,
    folds: Annotated[int, typer.Option(min=1, help="How many of the training months to judge trials on.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the search: equal seeds, equal trials.")] = 5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default models/MODEL/tuning.json.")
    ] = None,
    json: Json = False,
) -> None:
    """Search for training parameters on time-ordered folds inside the training months, and record every trial.

    The parameters of params.yaml are tried first. Stopped at any time, it goes on with the trials that are left. It
    changes no parameter: it says whether the best trial beats those in use by more than noise on the newest training
    month, which the search does not see.

    Examples:

      slipway tune flight_delay

      slipway tune flight_delay --trials 60 --folds 4

      slipway tune flight_delay --trials 60 --output /tmp/tuning.json --json
    """
    from slipway import project
    from slipway.files import canonical_json, write_json
    from slipway.gates.verdict import rounded
    from slipway.progress import console, counting, step
    from slipway.tuning import record, search

    paths = project.paths(model)
    target = (output or project.root() / paths.home / record.FILE).absolute()
    project.enter()
    asked, storage = _search(model, folds, seed), paths.artifacts / "tuning.sqlite"
    done = search.finished(search.open_study(asked, storage))
    with counting("searching", "trials", trials, max(0, trials - done)) as advance:
        study = search.search(asked, trials, storage, advance)
    with step("comparing the parameters in use with the best trial on the held-out month"):
        found = rounded({"model": model, "data": record.training_data(paths), **search.conclude(asked, study)})
    write_json(target, found)
    if json:
        sys.stdout.write(canonical_json(found).decode())
    else:
        _print(found)
        console.print(f"  {target}")


def _search(model: str, folds: int, seed: int) -> Search:
    from slipway import configuration, project
    from slipway.evaluation.resampling import Resampling
    from slipway.evaluation.retraining import read
    from slipway.tuning.folds import folds as ordered
    from slipway.tuning.search import Search

    params = configuration.load(model)
    rows = read(model, "train")
    plan = Resampling(**params.evaluate.model_dump())
    *searched, held_out = ordered(rows, folds + 1)
    return Search(
        rows=rows,
        folds=searched,
        held_out=held_out,
        fit=project.module(model, "train").fit,
        train=params.train.model_dump(),
        seed=seed,
        reseeded=3,
        plan=plan,
    )


def _print(found: dict[str, Any]) -> None:
    best = sorted(found["trials"], key=lambda trial: float(trial["log_loss"]))
    for trial in [*best[:_BEST_SHOWN], found["trials"][0]]:
        name = "in use" if trial["params"] == found["in_use"]["params"] else f"trial {trial['number']}"
        values = ", ".join(f"{key} {trial['params'][key]:g}" for key in found["space"])
        print(f"{name}: log loss {trial['log_loss']:.5f} ({values})")
    above = found["in_use"]["above_best"]
    print(
        f"The parameters in use are {above['value']:+.5f} [{above['low']:+.5f}, {above['high']:+.5f}] log loss above "
        f"trial {found['best']['number']}, the best of {len(found['trials'])}, on {found['held_out']['judged']}."
    )
