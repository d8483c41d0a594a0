"""Hold every row against the contract and every month against history; quarantine what breaks it."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from types import ModuleType

import polars as pl

from slipway import configuration, project, stage
from slipway.contracts.quarantine import Inspection, inspect
from slipway.evidence import conclude
from slipway.files import replacing, sha256_folder
from slipway.gates import contract as contract_gate
from slipway.gates import volume as volume_gate
from slipway.progress import step
from slipway.split import months_between, partitions


def validate(model: str) -> None:
    """Write data/MODEL/validated/, data/MODEL/quarantine.parquet and the verdicts of contract and volume."""
    params = configuration.load(model)
    gates = params.gates
    contract, paths = project.module(model, "contract"), project.paths(model)
    months = partitions(paths.ingested)
    inspections: dict[str, Inspection] = {}
    with step(f"holding {len(months)} months against the contract"):
        for month in months:
            inspections[month] = inspect(pl.read_parquet(paths.ingested / f"{month}.parquet"), contract.RAW)
    with step("writing valid rows and quarantine"):
        _write(inspections, paths)
    nothing = next(iter(inspections.values())).valid.clear()
    wanted = months_between(params.ingest.first_month, params.ingest.last_month)
    valid = dict.fromkeys(wanted, nothing) | {month: found.valid for month, found in inspections.items()}
    rows = pl.concat([_rows_per_day(month, found, contract) for month, found in valid.items()])
    verdicts = [
        contract_gate.judge(inspections, gates.contract),
        volume_gate.judge(rows, gates.volume),
    ]
    conclude(verdicts, {"validated": sha256_folder(paths.validated)}, paths)


def _write(inspections: dict[str, Inspection], paths: project.ModelPaths) -> None:
    with replacing(paths.validated) as folder:
        folder.mkdir()
        for month, found in inspections.items():
            found.valid.write_parquet(folder / f"{month}.parquet")
    with replacing(paths.quarantine) as file:
        pl.concat([found.quarantine for found in inspections.values()], how="diagonal").write_parquet(file)


def _rows_per_day(month: str, rows: pl.DataFrame, contract: ModuleType) -> pl.DataFrame:
    year, number = int(month[:4]), int(month[5:])
    days = pl.date_range(date(year, number, 1), date(year, number, monthrange(year, number)[1]), eager=True)
    counted = rows.group_by(contract.day()).agg(
        pl.len().cast(pl.Int64).alias("rows"), contract.label().is_not_null().sum().cast(pl.Int64).alias("labelled")
    )
    return (
        days.alias("day").to_frame().join(counted, on="day", how="left")
        .select(pl.lit(month).alias("period"), "day", pl.col("rows", "labelled").fill_null(0))
    )  # fmt: skip


if __name__ == "__main__":
    stage.run(validate)
