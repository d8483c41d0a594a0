"""Turn validated rows into the model's input: past months to train on, later ones to judge on."""

from __future__ import annotations

from types import ModuleType

import polars as pl

from slipway import configuration, project, sources, stage
from slipway.contracts.marks import marked
from slipway.contracts.quarantine import inspect
from slipway.errors import GateRed
from slipway.features import Table
from slipway.files import replacing, write_json
from slipway.progress import step
from slipway.split import partitions, read, split

_TRAVEL_EVERY_HOURS = 199


def featurize(model: str) -> None:
    """Write data/MODEL/features/: features and rows of both sides, the transform's state, the time travel."""
    params = configuration.load(model)
    paths, features = project.paths(model), project.module(model, "features")
    months = split(partitions(paths.validated), **params.split.model_dump())
    past, future = read(paths.validated, months.train), read(paths.validated, months.evaluation)
    contract = project.module(model, "contract")
    past, future = (rows.filter(contract.label().is_not_null()) for rows in (past, future))
    state = features.fit(past)
    with replacing(paths.features) as folder:
        folder.mkdir()
        write_json(folder / "state.json", state)
        for side, raw in (("train", past), ("evaluation", future)):
            with step(f"{side}: {raw.height} rows"):
                _table(model, raw, state).write_parquet(folder / f"{side}.parquet")
                _rows(model, raw).write_parquet(folder / f"{side}_rows.parquet")
        with step("recomputing a sample from the sources as of its hour"):
            used, as_of = _time_travel(model, future, state)
            used.write_parquet(folder / "travel_used.parquet")
            as_of.write_parquet(folder / "travel_as_of.parquet")


def _table(model: str, raw: pl.DataFrame, state: dict[str, object]) -> pl.DataFrame:
    features, contract = project.module(model, "features"), project.module(model, "contract")
    columns = features.transform(Table(raw), state)
    table = pl.DataFrame(dict(zip(features.NAMES, columns, strict=True)), schema_overrides=_floats(features))
    found = inspect(table.fill_nan(None), contract.FEATURES)
    if found.quarantine.height:
        raise GateRed(
            f"{found.quarantine.height} rows of model {model} break the contract of its features: "
            f"{found.reason_counts()}.",
            f"Mend models/{model}/features.py or FEATURES in models/{model}/contract.py.",
        )
    return table


def _floats(features: ModuleType) -> dict[str, type[pl.DataType]]:
    return dict.fromkeys(features.NAMES, pl.Float64)


def _rows(model: str, raw: pl.DataFrame) -> pl.DataFrame:
    """What is known of each row besides its features: label, period, day, slices and outcomes."""
    contract, slices = project.module(model, "contract"), project.module(model, "slices")
    known = raw.select(contract.label(), pl.col(contract.PERIOD).alias("period"), contract.day())
    groups = slices.slices(raw).rename({name: f"slice.{name}" for name in slices.NAMES})
    outcomes = raw.select(marked(contract.RAW, known="after")).rename(lambda name: f"outcome.{name}")
    together: pl.DataFrame = pl.concat([known, groups, outcomes], how="horizontal")
    return together


def _time_travel(model: str, future: pl.DataFrame, state: dict[str, object]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features of the rows of a few hours: as training has them, and from the sources as of that hour."""
    origin, contract = project.module(model, "sources"), project.module(model, "contract")
    found = sources.locate(origin.PACKAGE, origin.FOLDER, origin.FILES)
    tables = {table: origin.read(table, source.file) for table, source in found.items()}
    moments = future[contract.TIME].unique().sort().gather_every(_TRAVEL_EVERY_HOURS)
    key = contract.RAW.unique
    then = pl.concat(
        [origin.join(origin.as_of(tables, moment)).filter(pl.col(contract.TIME) == moment) for moment in moments]
    )
    used = future.filter(pl.col(contract.TIME).is_in(moments.implode())).sort(key)
    as_of = used.select(key).join(then, on=key, how="left", maintain_order="left").select(used.columns)
    return _table(model, used, state), _table(model, as_of, state)


if __name__ == "__main__":
    stage.run(featurize)
