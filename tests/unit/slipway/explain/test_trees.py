"""Each tree, walked by hand, leads where LightGBM goes; and the conditions on the way are true."""

from __future__ import annotations

import math
import re
from typing import Any

import lightgbm
import numpy as np
import pytest

from slipway.explain.trees import average, walk
from slipway.features.tracing import Traced
from slipway.release import Release
from tests.live_server import rows


def _traced(values: Any) -> list[Traced]:
    return [Traced(float(value), frozenset(["f"])) for value in values]


def test_every_tree_leads_to_lightgbm_s_leaf(release: Release) -> None:
    dump = release.booster.dump()
    for row in rows(release.fields, 25, seed=11):
        traced, leaves = release.trace(row), release.booster.leaves(release.features_of(row))
        walked = [walk(tree, release.feature_names, traced)[0] for tree in dump["tree_info"]]
        assert walked == leaves


@pytest.mark.parametrize("missing", ["NaN", "Zero", "None"])
def test_missing_values_go_where_lightgbm_sends_them(missing: str) -> None:
    source = np.random.default_rng(1)
    matrix = source.normal(size=(600, 3)).round(1)
    matrix[source.random(matrix.shape) < 0.2] = 0.0 if missing == "Zero" else math.nan
    label = (np.nan_to_num(matrix[:, 0], nan=2.0) + source.normal(size=600) > 0).astype(int)
    settings: dict[str, Any] = {"objective": "binary", "verbosity": -1, "num_leaves": 8, "min_data_in_leaf": 5}
    settings |= {"use_missing": missing != "None", "zero_as_missing": missing == "Zero"}
    booster = lightgbm.train(settings, lightgbm.Dataset(matrix, label), num_boost_round=10)
    trees, leaves = booster.dump_model()["tree_info"], booster.predict(matrix, pred_leaf=True)
    walked = [[walk(tree, ["a", "b", "c"], _traced(row))[0] for tree in trees] for row in matrix[:150]]
    assert walked == leaves[:150].tolist()


TREE = {
    "tree_structure": {
        "split_feature": 0, "decision_type": "==", "threshold": "0||2", "default_left": False, "missing_type": "NaN",
        "internal_value": -0.5,
        "left_child": {
            "split_feature": 1, "decision_type": "<=", "threshold": 1.5, "default_left": True, "missing_type": "NaN",
            "internal_value": 0.0, "left_child": {"leaf_index": 3, "leaf_value": 1.0},
            "right_child": {"leaf_index": 4, "leaf_value": 2.0},
        },
        "right_child": {"leaf_index": 5, "leaf_value": 3.0},
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "leaf", "conditions"),
    [
        ((2, 1.5), 3, ["colour in {red, blue}", "size ≤ 1.5"]),
        ((0, 1.6), 4, ["colour in {red, blue}", "size > 1.5"]),
        ((0, math.nan), 3, ["colour in {red, blue}", "size missing"]),
        ((1, 1.0), 5, ["colour not in {red, blue}"]),
        ((math.nan, 1.0), 5, ["colour not in {red, blue}"]),
    ],
)
def test_conditions_are_told_in_the_words_of_the_request(
    values: tuple[float, float], leaf: int, conditions: list[str]
) -> None:
    colour = Traced(values[0], frozenset(["colour"]), {"red": 0, "green": 1, "blue": 2})
    assert walk(TREE, ["colour", "size"], [colour, *_traced(values[1:])]) == (leaf, conditions)


def test_many_categories_are_cut_short() -> None:
    wide = {"tree_structure": TREE["tree_structure"] | {"threshold": "||".join(map(str, range(20)))}}
    _, (said, _) = walk(wide, ["colour", "size"], _traced((3, 1)))
    assert re.fullmatch(r"colour in \{0, 1, 2, 3, 4, 5 and 14 more\}", said)


def test_average_and_a_tree_of_one_leaf() -> None:
    assert average(TREE) == -0.5
    single = {"tree_structure": {"leaf_value": 0.25}}
    assert (average(single), walk(single, [], [])) == (0.25, (0, []))
