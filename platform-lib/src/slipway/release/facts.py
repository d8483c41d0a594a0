"""What a release is about to say of itself and which columns its code reads, for gate ``policy`` to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandera.polars as pa
import polars as pl

from slipway import project
from slipway.contracts import derivation
from slipway.features.tracing import fields_read
from slipway.files import read_json, read_yaml
from slipway.gates.policy import Column, Facts
from slipway.project import ModelPaths
from slipway.release import card


def gather(paths: ModelPaths) -> Facts:
    """The facts of the model of ``paths``, once it is evaluated.

    Raises:
        EnvironmentFault: when a file is missing.
        Untraceable: when the features do more than :mod:`slipway.features` allows.
    """
    contract, features, slices, drift_view = (
        project.module(paths.name, name) for name in ("contract", "features", "slices", "drift_view")
    )
    state = read_json(paths.features / "state.json")
    empty = pl.DataFrame(schema={name: column.dtype.type for name, column in contract.RAW.columns.items()})
    request = derivation.derive(contract.RAW)
    return Facts(
        statement=read_yaml(paths.home / "model.yaml"),
        card=card.sections((paths.home / "card.md").read_text(encoding="utf-8")),
        columns=tuple(_column(name, column) for name, column in contract.RAW.columns.items()),
        fields=tuple(request),
        features=tuple(fields_read(features.transform, state, empty.columns)),
        watched=tuple(columns_read(drift_view.view, empty)),
        places={
            "the slices": tuple(columns_read(slices.slices, empty)),
            "state.json": tuple(state),
            "drift/reference.parquet": tuple(pl.read_parquet_schema(paths.drift / "reference.parquet")),
        },
        source_licence=read_json(paths.provenance).get("licence"),
        threshold=read_json(paths.evaluation / "metrics.json")["kpi"]["threshold"],
    )


def columns_read(function: Callable[[pl.DataFrame], Any], frame: pl.DataFrame) -> list[str]:
    """The columns of ``frame`` without which ``function`` does not find what it asks for."""
    function(frame)
    return [name for name in frame.columns if _asks_for(name, function, frame)]


def _asks_for(name: str, function: Callable[[pl.DataFrame], Any], frame: pl.DataFrame) -> bool:
    try:
        function(frame.drop(name))
    except pl.exceptions.ColumnNotFoundError:
        return True
    return False


def _column(name: str, column: pa.Column) -> Column:
    marks = column.metadata or {}
    return Column(name, bool(marks.get("personal")), str(marks.get("about") or ""))
