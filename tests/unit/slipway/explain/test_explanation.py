"""What is explained is what is served: every figure against the release, LightGBM's own package, and a live server."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from typing import Any

import lightgbm
import numpy as np
import pytest

from slipway.errors import EnvironmentFault
from slipway.explain import Explanation, NotExplained, Question, explain
from slipway.explain.explanation import link
from slipway.explain.question import Recorded
from slipway.features.tracing import Tracing
from slipway.release import Release, load
from slipway.release.booster import Booster
from tests.live_server import LiveServer, rows

COUNT = 60


@pytest.fixture(scope="module")
def explained(release: Release) -> list[Explanation]:
    """Requests over the whole range of the signature, a tenth of what may be null is."""
    return [explain(release, Question("a row", row)) for row in rows(release.fields, COUNT, seed=3)]


@pytest.fixture(scope="module")
def package(release: Release) -> lightgbm.Booster:
    return lightgbm.Booster(model_file=release.folder / "model.txt")


def _matrix(explained: list[Explanation]) -> np.ndarray:
    return np.array([[feature.value for feature in found.features] for found in explained])


def test_the_score_is_the_release_s_to_the_last_bit(release: Release, explained: list[Explanation]) -> None:
    assert [found.score for found in explained] == [release.score_row(found.question.row) for found in explained]
    assert {found.decision for found in explained} == {True, False}
    assert all(found.decision == (found.score >= release.threshold) for found in explained)
    assert any(feature.missing for found in explained for feature in found.features)


def test_the_score_is_the_served_one_to_the_last_bit(server: LiveServer, explained: list[Explanation]) -> None:
    for found in explained[:20]:
        status, answer = server.post("/api/v1.0/predictions", {"jsonData": found.question.row})
        assert status == 200, answer
        assert answer["data"]["ndarray"][0] == [found.score, found.decision]


def test_trees_and_contributions_are_lightgbm_s(explained: list[Explanation], package: lightgbm.Booster) -> None:
    matrix = _matrix(explained)
    assert [found.raw for found in explained] == package.predict(matrix, raw_score=True).tolist()
    contributed = [[*(feature.contribution for feature in found.features), found.expected] for found in explained]
    assert contributed == package.predict(matrix, pred_contrib=True).tolist()
    for count in (1, 7, package.num_trees()):
        partial = package.predict(matrix, raw_score=True, num_iteration=count)
        assert [found.cumulative[count - 1] for found in explained] == partial.tolist()


def test_contributions_add_up_and_lead_to_the_score(explained: list[Explanation]) -> None:
    for found in explained:
        total = found.expected + math.fsum(feature.contribution for feature in found.features)
        assert total == pytest.approx(found.raw, abs=1e-9)
        steps = found.steps()
        assert steps[-1].after == pytest.approx(found.score, rel=1e-12)
        assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]
        sizes = [abs(step.feature.contribution) for step in steps]
        assert sizes == sorted(sizes, reverse=True)


def test_a_field_that_is_not_among_a_feature_s_own_does_not_change_it(release: Release) -> None:
    """The fields by tracing, against a change of each field in turn."""
    one, other = rows(release.fields, 2, seed=9)
    base = explain(release, Question("a row", one))
    changes = 0
    for field in release.fields:
        changed = explain(release, Question("a row", one | {field.name: other[field.name]}))
        for before, after in zip(base.features, changed.features, strict=True):
            moved = before.value != after.value and not (before.missing and after.missing)
            assert not moved or field.name in before.given, (field.name, before.name)
            changes += moved
    assert changes > 20


def test_costs_say_the_same_as_the_threshold(explained: list[Explanation]) -> None:
    for found in explained:
        assert (found.costs.acting(found.score) <= found.costs.waiting(found.score)) == found.decision


def test_a_recorded_answer_must_be_the_same(release: Release, found: Explanation) -> None:
    same = replace(found.question, recorded=Recorded("2013-12-30T21:00:00", found.score, found.decision))
    assert explain(release, same).question.recorded == same.recorded
    for score, decision in ((math.nextafter(found.score, 1), found.decision), (found.score, not found.decision)):
        other = replace(found.question, recorded=Recorded("2013-12-30T21:00:00", score, decision))
        with pytest.raises(EnvironmentFault, match="The request log recorded the score"):
            explain(release, other)


@pytest.mark.parametrize(
    ("method", "change", "said"),
    [
        ("contributions", lambda told: [told[0] + 1e-6, *told[1:]], "The sum of the contributions is"),
        ("raw", lambda told: math.nextafter(told, 9), "The sum of the trees is"),
        ("leaves", lambda told: [max(leaf - 1, 0) for leaf in told], "leads to leaf"),
        ("dump", lambda told: told | {"objective": "binary sigmoid:2"}, "The link function of the raw score is"),
        ("dump", lambda told: told | {"objective": "regression"}, "objective 'regression' is not known"),
    ],
)
def test_what_does_not_add_up_is_not_shown(
    release: Release, found: Explanation, monkeypatch: pytest.MonkeyPatch, method: str, change: Any, said: str
) -> None:
    original = getattr(Booster, method)
    monkeypatch.setattr(Booster, method, lambda self, *arguments: change(original(self, *arguments)))
    with pytest.raises(NotExplained, match=said) as caught:
        explain(release, found.question)
    assert caught.value.exit_code == 4


def test_a_feature_that_is_traced_to_another_value_is_not_shown(
    release: Release, found: Explanation, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = release._features
    original = features.transform

    def other_when_traced(raw: Any, state: Any) -> list[Any]:
        first, *others = original(raw, state)
        return [first + isinstance(raw, Tracing), *others]

    monkeypatch.setattr(features, "transform", other_when_traced)
    with pytest.raises(NotExplained, match=r"Feature weekday is .*, and .* when traced"):
        explain(release, found.question)


def test_link_is_the_logistic_function_with_its_slope() -> None:
    assert link("binary sigmoid:1")(0.0) == 0.5
    assert link("binary sigmoid:2")(1.0) == pytest.approx(1 / (1 + math.exp(-2)))
    with pytest.raises(NotExplained):
        link("multiclass num_class:3")


def test_no_training_data_is_needed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The release alone, elsewhere, says the same."""
    folder = tmp_path_factory.mktemp("alone") / release.digest
    shutil.copytree(release.folder, folder)
    alone = load(folder)
    row = json.loads((folder / "example.json").read_text())
    assert explain(alone, Question("a row", row)).score == release.score_row(row)
