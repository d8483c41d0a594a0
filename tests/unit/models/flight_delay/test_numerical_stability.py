"""No number of the released model or of its answers is NaN or infinite, and none depends on the count of threads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.flight_delay import contract, train
from models.flight_delay.features import NAMES
from slipway.configuration import ModelParams
from slipway.contracts.derivation import derive
from slipway.contracts.signature import Field
from slipway.project import ModelPaths
from slipway.release import load
from slipway.release.load import Release
from tests.live_server import frame

FIELDS = derive(contract.RAW)
LARGEST = np.finfo(np.float64).max
ANY_NUMBER = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.0, LARGEST, -LARGEST, 5e-324])
)


@pytest.fixture(scope="module")
def release(release_folder: Path) -> Release:
    return load(release_folder)


@pytest.fixture(scope="module")
def booster(release_folder: Path) -> lightgbm.Booster:
    return lightgbm.Booster(model_file=release_folder / "model.txt")


def extremes(field: Field) -> list[Any]:
    """The values at the edge of what the contract allows."""
    if field.allowed:
        ends: list[Any] = [field.allowed[0], field.allowed[-1]]
    elif field.kind == "string":
        ends = ["AAA", "ZZZ"]
    else:
        kind = int if field.kind == "integer" else float
        assert field.minimum is not None
        assert field.maximum is not None
        ends = [kind(field.minimum), kind(field.maximum)]
    return [*ends, None] if field.nullable else ends


def numbers(tree: Any) -> Iterator[float]:
    """Every number of the dumped model, whatever it is the weight, the threshold or the gain of."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from numbers(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from numbers(value)
    elif isinstance(tree, int | float):
        yield float(tree)


def test_every_weight_threshold_and_gain_is_finite(booster: lightgbm.Booster) -> None:
    found = list(numbers(booster.dump_model()["tree_info"]))
    assert len(found) > 1_000 * 10
    assert all(math.isfinite(number) for number in found)


def test_every_corner_of_the_contract_has_a_finite_score(release: Release) -> None:
    """Each pair of fields at all their extremes together, the others at one of theirs."""
    edges = {field.name: extremes(field) for field in FIELDS}
    rows = []
    for number, first in enumerate(FIELDS):
        for second in FIELDS[number + 1 :]:
            for place, (one, other) in enumerate(product(edges[first.name], edges[second.name])):
                rest = {name: values[place % len(values)] for name, values in edges.items()}
                rows.append(rest | {first.name: one, second.name: other})
    scores = release.score_table(frame(FIELDS, rows))
    assert len(rows) > 1_000
    assert np.isfinite(scores).all()
    assert ((scores > 0) & (scores < 1)).all()
    assert [release.score_row(row) for row in rows[::50]] == scores[::50].tolist()


@settings(max_examples=300, deadline=None)
@given(row=st.lists(ANY_NUMBER, min_size=len(NAMES), max_size=len(NAMES)))
def test_whatever_reaches_the_model_the_score_is_finite(booster: lightgbm.Booster, row: list[float]) -> None:
    score = float(booster.predict(np.array([row]))[0])
    assert 0 < score < 1


def test_scores_do_not_depend_on_the_count_of_threads(booster: lightgbm.Booster, paths: ModelPaths) -> None:
    features = pl.read_parquet(paths.features / "evaluation.parquet").to_numpy()[::4]
    one, two = (booster.predict(features, num_threads=count) for count in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_training_does_not_depend_on_the_count_of_threads(paths: ModelPaths, model_params: ModelParams) -> None:
    features = pl.read_parquet(paths.features / "train.parquet").to_numpy()[::8]
    label = pl.read_parquet(paths.features / "train_rows.parquet")[contract.LABEL].to_numpy()[::8]
    settings = model_params.train.model_dump() | {"num_trees": 20}
    trees = [
        train.fit(features, label, settings | {"num_threads": count}).model_to_string().split("\nparameters:")[0]
        for count in (1, 2)
    ]
    assert trees[0] == trees[1]


def test_what_the_transform_remembers_is_finite(release_folder: Path) -> None:
    found = list(numbers(json.loads((release_folder / "state.json").read_text())))
    assert found
    assert all(math.isfinite(number) for number in found)
