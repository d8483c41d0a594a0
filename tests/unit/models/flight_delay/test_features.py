"""The one transform gives equal bits for a table and for each of its rows."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.flight_delay import contract, features
from slipway.contracts.derivation import derive
from slipway.contracts.marks import marked
from slipway.contracts.signature import Field
from slipway.features import Row, Table
from slipway.project import ModelPaths
from tests.conftest import ROOT

FIELDS = derive(contract.RAW)
TYPES = {"integer": pl.Int64, "number": pl.Float64, "string": pl.String}
STATE = {
    "carrier": {code: number for number, code in enumerate(contract.CARRIERS)},
    "origin": {code: number for number, code in enumerate(contract.ORIGINS)},
    "dest": {"IAH": 0, "MIA": 1, "BQN": 2},
}


def value(field: Field) -> st.SearchStrategy[Any]:
    """Any value that the contract allows, multiples of the instrument's step included."""
    low, high = field.minimum, field.maximum
    if field.allowed:
        drawn: st.SearchStrategy[Any] = st.sampled_from(field.allowed)
    elif field.kind == "string":
        drawn = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
    elif field.kind == "integer":
        drawn = st.integers(int(low or 0), int(high or 0))
    else:
        drawn = st.floats(float(low or 0), float(high or 0))
    return st.none() | drawn if field.nullable else drawn


REQUEST = st.fixed_dictionaries({field.name: value(field) for field in FIELDS})


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={field.name: TYPES[field.kind] for field in FIELDS})


def bits(rows: list[dict[str, Any]]) -> tuple[bytes, bytes]:
    whole = np.column_stack(features.transform(Table(table(rows)), STATE))
    single = np.array([features.transform(Row(row), STATE) for row in rows], dtype=np.float64)
    return _canonical(whole), _canonical(single)


def _canonical(values: np.ndarray) -> bytes:
    # A NaN's sign and payload carry no meaning, and the model reads them all as missing.
    return np.where(np.isnan(values), np.nan, values).tobytes()


@settings(max_examples=300, deadline=None)
@given(st.lists(REQUEST, min_size=1, max_size=5))
def test_equal_bits_for_whatever_the_contract_allows(rows: list[dict[str, Any]]) -> None:
    whole, single = bits(rows)
    assert whole == single


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_equal_bits_for_real_rows(seed: int) -> None:
    month = np.random.default_rng(seed).integers(1, 13)
    file = ROOT / ModelPaths("flight_delay").validated / f"2013-{month:02d}.parquet"
    rows = pl.read_parquet(file, columns=[field.name for field in FIELDS]).sample(200, seed=seed).to_dicts()
    whole, single = bits(rows)
    assert whole == single


@given(day=st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_weekday_is_the_calendar_one(day: date) -> None:
    month, number = float(day.month), float(day.day)
    assert features._weekday(Row({}), float(day.year), month, number) == day.weekday()


def test_unknown_category_and_missing_value_are_nan() -> None:
    row = {field.name: None if field.nullable else 1 for field in FIELDS} | {
        "carrier": "??",
        "origin": "?",
        "dest": "?",
    }
    values = dict(zip(features.NAMES, features.transform(Row(row), STATE), strict=True))
    assert np.isnan([values["carrier"], values["temp"], values["plane_age"], values["block_minutes"]]).all()


def test_contract_of_the_features_names_them_in_order() -> None:
    assert list(contract.FEATURES.columns) == list(features.NAMES)


def test_nothing_else_computes_features() -> None:
    """Only the pipeline and the release call the transform, and none but features.py defines it."""
    code = [*ROOT.glob("platform-lib/src/**/*.py"), *ROOT.glob("pipelines/*.py"), *ROOT.glob("models/*/*.py")]
    defines = [file.name for file in code if "def transform(" in file.read_text()]
    assert defines == ["features.py"]
    callers = {file.stem for file in code if ".transform(" in file.read_text()}
    assert callers <= {"featurize", "load"}


@pytest.mark.parametrize("name", [*marked(contract.RAW, known="after"), *marked(contract.RAW, personal=True)])
def test_outcomes_and_personal_data_reach_neither_features_nor_requests(name: str) -> None:
    source = Path("models/flight_delay/features.py").read_text()
    strings = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    assert name not in strings
    assert name not in {field.name for field in FIELDS}
