"""The C API gives what the Python package ``lightgbm`` gives, to the last bit, and says what it refuses."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.features import Table
from slipway.project import ModelPaths
from slipway.release import load
from slipway.release.booster import Booster, LightGBMFault

VALUE = st.one_of(st.just(math.nan), st.floats(-1e6, 1e6), st.integers(-5, 300).map(float))
ANY = settings(deadline=None, max_examples=300)


@pytest.fixture(scope="module")
def text(release_folder: Path) -> str:
    return (release_folder / "model.txt").read_text()


@pytest.fixture(scope="module")
def ours(text: str) -> Booster:
    return Booster(text.encode())


@pytest.fixture(scope="module")
def theirs(text: str) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=text)


def _real_features(release_folder: Path, paths: ModelPaths) -> np.ndarray:
    served = load(release_folder)
    raw = pl.read_parquet(max(paths.validated.glob("*.parquet")))
    return np.column_stack(served._features.transform(Table(raw), served._state))


def test_real_rows_score_to_the_last_bit(
    ours: Booster, theirs: lightgbm.Booster, release_folder: Path, paths: ModelPaths
) -> None:
    features = _real_features(release_folder, paths)
    expected = theirs.predict(features)
    assert len(features) > 20_000
    assert ours.predict(features).tobytes() == expected.tobytes()
    assert ours.predict(features[:9_000]).tobytes() == expected[:9_000].tobytes()
    assert [ours.score(row) for row in features[:3_000].tolist()] == expected[:3_000].tolist()
    assert np.unique(expected).size > 10_000


@ANY
@given(st.lists(VALUE, min_size=22, max_size=22))
def test_any_row_scores_to_the_last_bit(ours: Booster, theirs: lightgbm.Booster, row: list[float]) -> None:
    assert ours.score(row) == theirs.predict(np.array([row]))[0] == ours.predict(np.array([row]))[0]


@pytest.mark.parametrize("objective", ["binary", "regression", "poisson"])
def test_the_objective_s_transformation_comes_from_the_model(objective: str) -> None:
    source = np.random.default_rng(7)
    features = source.normal(size=(400, 3))
    label = (features[:, 0] + source.normal(size=400) > 0).astype(float)
    settings = {"objective": objective, "verbose": -1, "sigmoid": 0.7} if objective == "binary" else {
        "objective": objective, "verbose": -1
    }  # fmt: skip
    trained = lightgbm.train(settings, lightgbm.Dataset(features, label), 10)
    booster = Booster(trained.model_to_string().encode())
    assert booster.predict(features).tobytes() == trained.predict(features).tobytes()
    assert [booster.score(row) for row in features.tolist()] == trained.predict(features).tolist()


def test_a_strided_matrix_and_an_empty_one_are_scored(ours: Booster) -> None:
    wide = np.random.default_rng(1).normal(size=(50, 44))
    assert ours.predict(wide[:, ::2]).tolist() == [ours.score(row) for row in wide[:, ::2].tolist()]
    assert ours.predict(np.asfortranarray(wide[:, ::2])).tolist() == ours.predict(wide[:, ::2].copy()).tolist()
    assert ours.predict(wide[:0, ::2]).shape == (0,)


@pytest.mark.parametrize("count", [0, 21, 23])
def test_a_row_of_another_width_is_refused(ours: Booster, count: int) -> None:
    with pytest.raises(LightGBMFault, match="must have 22 numbers"):
        ours.score([0.0] * count)
    with pytest.raises(LightGBMFault, match=rf"shape \(2, {count}\), the model takes \(rows, 22\)"):
        ours.predict(np.zeros((2, count)))


def test_no_model_is_refused_in_lightgbm_s_words() -> None:
    with pytest.raises(LightGBMFault, match="LightGBM refuses: "):
        Booster(b"tree\nversion=v4\nnonsense\n")


def test_a_model_of_several_classes_is_refused() -> None:
    features = np.random.default_rng(3).normal(size=(300, 2))
    label = np.arange(300) % 3
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1}
    trained = lightgbm.train(settings, lightgbm.Dataset(features, label), 2)
    with pytest.raises(LightGBMFault, match="3 scores per row"):
        Booster(trained.model_to_string().encode())


def test_scoring_imports_neither_lightgbm_s_package_nor_what_it_pulls_in(release_folder: Path) -> None:
    program = (
        "import sys, json, pathlib; from slipway.release import load; folder = pathlib.Path(sys.argv[1]);"
        "release = load(folder); release.score_row(json.loads((folder / 'example.json').read_text()));"
        "print(*(name for name in ('lightgbm', 'pandas', 'sklearn', 'scipy') if name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, release_folder], check=True, capture_output=True, text=True)
    assert run.stdout == "\n"


def test_a_row_of_another_width_is_not_inspected(ours: Booster) -> None:
    for inspect in (ours.raw, ours.leaves, ours.contributions):
        with pytest.raises(LightGBMFault, match="has 21 features, the model takes 22"):
            inspect([0.0] * 21)


def test_what_a_row_goes_through_is_lightgbm_s(ours: Booster, theirs: lightgbm.Booster) -> None:
    matrix = np.random.default_rng(3).normal(scale=50.0, size=(40, 22)).round()
    matrix[matrix > 60] = np.nan
    rows = matrix.tolist()
    assert [ours.raw(row) for row in rows] == theirs.predict(matrix, raw_score=True).tolist()
    assert [ours.contributions(row) for row in rows] == theirs.predict(matrix, pred_contrib=True).tolist()
    leaves = theirs.predict(matrix, pred_leaf=True).tolist()
    assert [ours.leaves(row) for row in rows] == leaves
    outputs = [ours.leaf_output(tree, leaf) for tree, leaf in enumerate(leaves[0])]
    assert outputs == [theirs.get_leaf_output(tree, leaf) for tree, leaf in enumerate(leaves[0])]
    assert ours.trees == theirs.num_trees() == 200


def test_the_dump_is_lightgbm_s(ours: Booster, theirs: lightgbm.Booster) -> None:
    told, expected = ours.dump(), theirs.dump_model()
    assert told["tree_info"] == expected["tree_info"]
    assert told["objective"] == "binary sigmoid:1"
