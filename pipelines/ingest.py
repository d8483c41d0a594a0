"""Read the source tables, join them to one row per case, and write one partition per month."""

from __future__ import annotations

import zipfile

import polars as pl

from slipway import configuration, project, sources, stage
from slipway.configuration import Ingest
from slipway.errors import EnvironmentFault, UsageError
from slipway.files import replacing, write_json
from slipway.progress import step


def ingest(model: str) -> None:
    """Write data/MODEL/ingested/<month>.parquet and data/MODEL/provenance.json."""
    params = configuration.load(model).ingest
    origin, contract = project.module(model, "sources"), project.module(model, "contract")
    paths = project.paths(model)
    with step(f"reading {len(origin.FILES)} tables of {origin.PACKAGE}"):
        found = sources.locate(origin.PACKAGE, origin.FOLDER, origin.FILES)
        tables = {table: _read(origin, table, source) for table, source in found.items()}
    with step("joining them"):
        rows = origin.join(tables).select(list(contract.RAW.columns))
    months = _months(rows, contract.PERIOD, params)
    with step(f"writing {rows.height} rows in {len(months)} months"), replacing(paths.ingested) as folder:
        folder.mkdir()
        for month in months:
            rows.filter(pl.col(contract.PERIOD) == month).write_parquet(folder / f"{month}.parquet")
    write_json(paths.provenance, sources.provenance(origin.PACKAGE, origin.LICENCE, found))


def _read(origin: object, table: str, source: sources.Source) -> pl.DataFrame:
    try:
        return origin.read(table, source.file)  # type: ignore[attr-defined, no-any-return]
    except (pl.exceptions.PolarsError, zipfile.BadZipFile, KeyError) as error:
        raise EnvironmentFault(
            f"Source file {source.file.name} cannot be read as table {table}: {error}.",
            "Check that models/*/sources.py fits the installed package version.",
        ) from error


def _months(rows: pl.DataFrame, period: str, params: Ingest) -> list[str]:
    present = rows[period].unique().sort().to_list()
    for key, month in (("first_month", params.first_month), ("last_month", params.last_month)):
        if month not in present:
            raise UsageError(
                f"ingest.{key} is {month}, but the sources hold {present[0]} to {present[-1]}.",
                "Name a month that exists.",
            )
    if params.first_month > params.last_month:
        raise UsageError(
            f"ingest.first_month is {params.first_month}, which is after last_month, {params.last_month}.",
            "Name the earlier month first.",
        )
    return [month for month in present if params.first_month <= month <= params.last_month]


if __name__ == "__main__":
    stage.run(ingest)
