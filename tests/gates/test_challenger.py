"""Gate ``challenger``: a model that is worse than the champion is red; one as good is called just that."""

from __future__ import annotations

import numpy as np
import pytest

from models.flight_delay import train
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.metrics import Floats
from slipway.evaluation.resampling import Resampling
from slipway.gates import challenger
from tests.gates.conftest import Season

JANUARY_ROWS = 26_000


def champion(score: Floats) -> challenger.Champion:
    return challenger.Champion("c" * 64, score)


@pytest.fixture(scope="session")
def older(history: tuple[Floats, Floats], season: Season, model_params: ModelParams) -> Floats:
    """Scores of a model that was trained on January alone."""
    features, label = history
    booster = train.fit(features[:JANUARY_ROWS], label[:JANUARY_ROWS], model_params.train.model_dump())
    return np.asarray(booster.predict(season.features.to_numpy()))


def test_real_model_passes_against_the_older_one(
    older: Floats, season: Season, plan: Resampling, limits: Gates
) -> None:
    verdict = challenger.judge(season.data, season.score, champion(older), plan, limits.challenger)
    assert verdict.passed, verdict.reason
    assert "better than the champion" in verdict.reason
    assert verdict.figures["gain"]["low"] > 0


def test_fault_older_worse_model(older: Floats, season: Season, plan: Resampling, limits: Gates) -> None:
    verdict = challenger.judge(season.data, older, champion(season.score), plan, limits.challenger)
    assert verdict.gate == "challenger"
    assert not verdict.passed
    assert "worse than the champion" in verdict.reason
    assert verdict.figures["gain"]["high"] < 0


def test_fault_too_noisy_to_rule_a_loss_out(season: Season, plan: Resampling, limits: Gates) -> None:
    noisy = np.clip(season.score + np.random.default_rng(2).normal(0, 0.06, len(season.score)), 0.01, 0.99)
    few = season.rows["day"] >= season.rows["day"].max()
    chosen = few.to_numpy()
    data = type(season.data)(season.data.label[chosen], np.zeros(int(chosen.sum()), np.int64))
    verdict = challenger.judge(data, noisy[chosen], champion(season.score[chosen]), plan, limits.challenger)
    assert not verdict.passed


def test_no_significant_difference_is_said_as_such(season: Season, plan: Resampling, limits: Gates) -> None:
    alike = np.clip(season.score + np.random.default_rng(4).normal(0, 0.001, len(season.score)), 0.001, 0.999)
    verdict = challenger.judge(season.data, alike, champion(season.score), plan, limits.challenger)
    assert verdict.passed
    assert verdict.reason.startswith("No significant difference to the champion")


def test_first_release_has_no_champion(season: Season, plan: Resampling, limits: Gates) -> None:
    verdict = challenger.judge(season.data, season.score, None, plan, limits.challenger)
    assert verdict.passed
    assert verdict.figures["champion"] is None
