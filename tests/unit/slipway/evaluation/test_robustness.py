"""Noise and attack keep to values that occur; the attack finds about the shortest way where that is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field
from slipway.evaluation.metrics import Floats
from slipway.evaluation.robustness import Attack, Noising, Observed, distances, noise, noisy

FIELDS = [
    Field("colour", "string", allowed=("green", "red")),
    Field("weight", "number", nullable=True, minimum=-9, maximum=9),
    Field("speed", "number", minimum=0, maximum=50, multiple_of=1.15),
    Field("age", "integer", minimum=0, maximum=40),
    Field("wheels", "integer", minimum=4, maximum=4),
]
PLAN = Attack(rows=40, iterations=8, seed=1)


@pytest.fixture(scope="module")
def raw() -> pl.DataFrame:
    draw = np.random.default_rng(3)
    weight = [None if number % 7 == 0 else float(value) for number, value in enumerate(draw.uniform(-9, 9, 800))]
    return pl.DataFrame(
        {
            "colour": draw.choice(["green", "red"], 800),
            "weight": weight,
            "speed": draw.integers(0, 43, 800) * 1.15,
            "age": draw.integers(0, 41, 800),
            "wheels": [4] * 800,
            "not asked": draw.uniform(0, 1, 800),
        }
    )


def test_the_nearest_value_that_occurs() -> None:
    observed = Observed(np.array([3.0, np.nan, 0.0, 10.0, 3.0]))
    wanted = np.array([-5, 1.4, 1.6, 6.4, 6.6, 99, np.nan, 1.5])
    assert np.array_equal(observed.nearest(wanted), [0, 0, 3, 3, 10, 10, np.nan, 0], equal_nan=True)
    assert observed.range == (0, 10)
    assert observed.spread == pytest.approx(np.std([3, 0, 10, 3]))
    assert Observed(np.full(5, 2.5)).spread == 0


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_noise_keeps_the_signature_and_changes_neither_categories_nor_nulls(raw: pl.DataFrame, share: float) -> None:
    shaken = noisy(raw, raw, FIELDS, Noising(raw.height, share, 1))
    asked = shaken.select(field.name for field in FIELDS)
    assert len(RequestRules(FIELDS).rows(asked.to_dicts())["age"]) == raw.height
    assert shaken.schema == raw.schema
    for name in ("colour", "wheels", "not asked"):
        assert shaken[name].equals(raw[name])
    assert shaken["weight"].is_null().equals(raw["weight"].is_null())


def test_noise_is_bounded_and_the_same_for_the_same_seed(raw: pl.DataFrame) -> None:
    shaken = noisy(raw, raw, FIELDS, Noising(raw.height, 0.1, 1))
    moved = (shaken["weight"] - raw["weight"]).drop_nulls().abs()
    spread = float(np.std(raw["weight"].drop_nulls().to_numpy()))
    grain = 18 / 600
    assert 0.05 * spread < moved.max() <= 0.1 * spread + 3 * grain
    assert shaken.equals(noisy(raw, raw, FIELDS, Noising(raw.height, 0.1, 1)))
    assert not shaken.equals(noisy(raw, raw, FIELDS, Noising(raw.height, 0.1, 2)))


def test_noise_tells_scores_before_and_after_and_which_rows_changed(raw: pl.DataFrame) -> None:
    def score(rows: pl.DataFrame) -> Floats:
        return rows["age"].to_numpy() / 40

    still = noise(score, raw, FIELDS, Noising(100, 1e-9, 1))
    assert len(still.before) == 100
    assert not still.changed.any()
    assert still.before.tolist() == still.after.tolist()
    loud = noise(score, raw, FIELDS, Noising(2000, 1.0, 1))
    assert len(loud.before) == raw.height
    assert loud.changed.mean() > 0.95
    assert (loud.before != loud.after).mean() > 0.8


def points(rows: int = 3000, seed: int = 5) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 3, rows).astype(float)
    return pl.DataFrame({"x": draw.normal(0, 2, rows), "y": draw.normal(5, 0.5, rows), "kind": kinds})


def test_the_attack_finds_about_the_shortest_way_to_a_plane() -> None:
    data = points()
    x, y = data["x"].to_numpy(), data["y"].to_numpy()

    def decide(rows: Floats) -> np.ndarray:
        return rows[:, 0] / np.std(x) + (rows[:, 1] - 5) / np.std(y) > 1

    found = distances(decide, data, ["kind"], PLAN)
    chosen = np.linspace(0, data.height - 1, PLAN.rows).astype(int)
    true = np.abs(x[chosen] / np.std(x) + (y[chosen] - 5) / np.std(y) - 1) / np.sqrt(2)
    assert np.isfinite(found).all()
    assert (found > true - 0.05).all(), "nothing is nearer than the plane, but for the grain of the values"
    assert np.median(found - true) < 0.05
    assert np.max(found / np.maximum(true, 0.2)) < 1.6


def test_equal_seeds_attack_alike_and_the_source_of_chance_is_left_as_it_was() -> None:
    data = points()

    def decide(rows: Floats) -> np.ndarray:
        return np.hypot(rows[:, 0], rows[:, 1] - 5) > 1.5

    np.random.seed(11)
    expected = np.random.random()
    np.random.seed(11)
    first = distances(decide, data, ["kind"], PLAN)
    assert np.random.random() == expected
    assert first.tolist() == distances(decide, data, ["kind"], PLAN).tolist()


def test_categories_and_missing_values_do_not_move() -> None:
    data = points(300).with_columns(pl.when(pl.int_range(300) % 2 == 0).then(pl.col("x")).alias("x"))

    def decide(rows: Floats) -> np.ndarray:
        return (rows[:, 2] == 1) | (rows[:, 0] > 0)

    found = distances(decide, data, ["kind"], Attack(300, 4, 1))
    kind, known = data["kind"].to_numpy(), data["x"].is_not_null().to_numpy()
    assert np.isnan(found[kind == 1]).all(), "only another kind would turn these"
    assert np.isnan(found[~known]).all(), "only a value of x would turn these"
    assert np.isfinite(found[known & (kind != 1)]).all()


def test_a_decision_that_nothing_turns_has_no_distance() -> None:
    found = distances(lambda rows: np.zeros(len(rows), dtype=bool), points(200), ["kind"], PLAN)
    assert np.isnan(found).all()
    assert len(found) == PLAN.rows


def test_a_table_in_which_nothing_may_move() -> None:
    data = points(100).select("kind")
    assert np.isnan(distances(lambda rows: rows[:, 0] > 0, data, ["kind"], PLAN)).all()


def test_features_that_never_vary_do_not_disturb_the_attack() -> None:
    data = points(500).with_columns(pl.lit(7.0).alias("still"))
    found = distances(lambda rows: rows[:, 0] > 0.5, data, ["kind"], PLAN)
    assert np.isfinite(found).all()
