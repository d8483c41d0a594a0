"""Each kind of proof holds for what it should, and no longer once any part of it is taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from slipway.score.proofs import EveryFeatureEarns, Findings, Green, Included, Proof, StalenessKnown, Test, Tuned
from tests.unit.slipway.score import toy_findings as toy

PROOFS: dict[str, Proof] = {
    "test": Test("tests/unit/models/{model}/test_x.py::test_y"),
    "cases": Test("tests/test_z.py::test_cases"),
    "file": Test("tests/test_z.py"),
    "gate": Green("slices"),
    "ablation": EveryFeatureEarns(),
    "staleness": StalenessKnown(),
    "inclusion": Included(),
    "tuning": Tuned(),
}


@pytest.fixture
def good() -> Findings:
    return toy.findings()


@pytest.mark.parametrize("name", PROOFS)
def test_it_holds(good: Findings, name: str) -> None:
    outcome = PROOFS[name].judge(good)
    assert outcome.holds, outcome.seen
    assert outcome.seen
    assert PROOFS[name].name("toy")


@pytest.mark.parametrize("name", PROOFS)
def test_nothing_is_held_by_default(name: str) -> None:
    outcome = PROOFS[name].judge(Findings("toy"))
    assert not outcome.holds
    assert outcome.seen


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped"])
@pytest.mark.parametrize("name", ["cases", "file"])
def test_one_case_that_did_not_pass_is_enough(good: Findings, name: str, outcome: str) -> None:
    tests = {**good.tests, "tests/test_z.py::test_cases[2]": outcome}
    judged = PROOFS[name].judge(replace(good, tests=tests))
    assert not judged.holds
    assert f"tests/test_z.py::test_cases[2] {outcome}" in judged.seen


@pytest.mark.parametrize(
    "renamed", ["tests/unit/models/toy/test_x.py::test_yy", "tests/unit/models/toy/test_xx.py::test_y"]
)
def test_a_renamed_test_earns_nothing(good: Findings, renamed: str) -> None:
    judged = PROOFS["test"].judge(replace(good, tests={renamed: "passed"}))
    assert not judged.holds
    assert "did not run" in judged.seen


@pytest.mark.parametrize("change", [{"passed": False}, {"passed": "true"}, {"passed": 1}, {"gate": "other"}])
def test_a_verdict_that_is_not_plainly_green(good: Findings, change: dict[str, Any]) -> None:
    verdicts = {"slices": {**good.verdicts["slices"], **change}}
    assert not Green("slices").judge(replace(good, verdicts=verdicts)).holds


def test_a_verdict_of_another_gate_does_not_count(good: Findings) -> None:
    assert not Green("baseline").judge(good).holds


def ablated(good: Findings, **changes: Any) -> Findings:
    return replace(good, study={**toy.study(), "ablation": {**toy.study()["ablation"], **changes}})


def test_features_that_earn_nothing_are_named(good: Findings) -> None:
    outcome = EveryFeatureEarns().judge(ablated(good, unearned=["b"]))
    assert not outcome.holds
    assert outcome.seen == "1 of 2 do not earn their place: b"


def test_features_that_harm_are_named(good: Findings) -> None:
    entries = [{"feature": "a", "harms": False}, {"feature": "b", "harms": True}]
    assert "better off without: b" in EveryFeatureEarns().judge(ablated(good, unearned=["b"], features=entries)).seen


@pytest.mark.parametrize("features", [[], ["a"], ["a", "b", "c"], ["b", "a"]])
def test_an_ablation_of_other_features(good: Findings, features: list[str]) -> None:
    assert not EveryFeatureEarns().judge(replace(good, features=features)).holds


def test_an_ablation_of_nothing(good: Findings) -> None:
    assert not EveryFeatureEarns().judge(replace(ablated(good, features=[]), features=[])).holds


def test_a_curve_of_too_few_ages_or_without_intervals(good: Findings) -> None:
    ages = toy.study()["staleness"]["ages"]
    blank = [{**ages[0], "above_freshest": {"value": None, "low": None, "high": None}}, *ages[1:]]
    for known in (ages[:2], blank):
        assert not StalenessKnown().judge(replace(good, study={"staleness": {"ages": known}})).holds


def test_a_slicing_that_was_not_judged_for_nearly_all_rows(good: Findings) -> None:
    verdict = {**good.verdicts["slices"], "figures": {"slices": [{"slice": "group=x", "rows": 94}], "too_small": []}}
    outcome = Included().judge(replace(good, verdicts={"slices": verdict}))
    assert not outcome.holds
    assert "group" in outcome.seen


def test_a_slicing_that_does_not_exist(good: Findings) -> None:
    assert not Included().judge(replace(good, inclusion=["group", "nothing"])).holds


def test_groups_too_small_to_judge_are_said(good: Findings) -> None:
    assert "too few rows to judge: group=z" in Included().judge(good).seen


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training_data": "other"}, "other training rows"),
        ({"training_data": None}, "other training rows"),
        ({"train": {"learning_rate": 0.2, "seed": 1}}, "other parameters"),
        ({"train": {"seed": 1}}, "other parameters"),
    ],
)
def test_a_record_of_something_else(good: Findings, change: dict[str, Any], said: str) -> None:
    outcome = Tuned().judge(replace(good, **change))
    assert not outcome.holds
    assert said in outcome.seen


def test_a_record_of_too_few_trials(good: Findings) -> None:
    assert not Tuned(fewest_trials=31).judge(good).holds
    assert Tuned(fewest_trials=30).judge(good).holds


def test_parameters_that_are_worse_than_the_best_beyond_noise(good: Findings) -> None:
    record = toy.tuning()
    record["in_use"]["above_best"] = {"value": 0.002, "low": 0.0001, "high": 0.004}
    outcome = Tuned().judge(replace(good, tuning=record))
    assert not outcome.holds
    assert "+0.0020 [+0.0001, +0.0040]" in outcome.seen
