"""Points follow from proofs alone: whatever a row names, it has none without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.score import scoring
from slipway.score.proofs import EveryFeatureEarns, Findings, Green, Included, Proof, StalenessKnown, Test, Tuned
from slipway.score.rubric import ROWS, SECTIONS, Row
from slipway.score.testing import covers
from tests.unit.slipway.score import toy_findings as toy

EARNING = [row for row in ROWS if row.automatic or row.partly]


def proofs(row: Row) -> tuple[Proof, ...]:
    return (*row.automatic, *row.partly)


def everything() -> Findings:
    """Findings by which every proof of every row holds."""
    good = toy.findings()
    named = [proof for row in ROWS for proof in proofs(row)]
    tests = {proof.name("toy"): "passed" for proof in named if isinstance(proof, Test)}
    gates = {proof.gate for proof in named if isinstance(proof, Green)}
    green = {gate: {"gate": gate, "passed": True, "reason": ""} for gate in gates}
    return replace(good, tests=tests, verdicts=green | {"slices": good.verdicts["slices"]})


def without(found: Findings, proof: Proof) -> Findings:
    """The same, but for what ``proof`` needs."""
    if isinstance(proof, Test):
        kept = {test: how for test, how in found.tests.items() if not covers(proof.name("toy"), test)}
        return replace(found, tests=kept)
    if isinstance(proof, Green):
        return replace(found, verdicts={gate: said for gate, said in found.verdicts.items() if gate != proof.gate})
    if isinstance(proof, EveryFeatureEarns | StalenessKnown):
        return replace(found, study=None)
    if isinstance(proof, Included):
        return replace(found, inclusion=[])
    assert isinstance(proof, Tuned), f"say here how to take {proof} away"
    return replace(found, tuning=None)


CASES = [pytest.param(row, proof, id=f"{row.id}-{proof.name('toy')}") for row in EARNING for proof in proofs(row)]


@pytest.mark.parametrize("row", EARNING, ids=lambda row: row.id)
def test_a_row_has_its_points_where_all_its_proofs_hold(row: Row) -> None:
    assert scoring.judge(row, everything()).points == (1.0 if row.automatic else 0.5)


@pytest.mark.parametrize(("row", "proof"), CASES)
def test_a_row_drops_to_nothing_without_any_of_its_proofs(row: Row, proof: Proof) -> None:
    judged = scoring.judge(row, without(everything(), proof))
    assert judged.points == 0
    assert judged.lacking


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped"])
@pytest.mark.parametrize(("row", "proof"), [case for case in CASES if isinstance(case.values[1], Test)])
def test_a_row_drops_to_nothing_when_a_test_does_not_pass(row: Row, proof: Proof, outcome: str) -> None:
    found = everything()
    assert scoring.judge(row, replace(found, tests={**found.tests, proof.name("toy"): outcome})).points == 0


@pytest.mark.parametrize(("row", "proof"), [case for case in CASES if isinstance(case.values[1], Green)])
def test_a_row_drops_to_nothing_when_a_gate_is_red(row: Row, proof: Green) -> None:
    found = everything()
    red = {**found.verdicts[proof.gate], "passed": False}
    assert scoring.judge(row, replace(found, verdicts={**found.verdicts, proof.gate: red})).points == 0


@pytest.mark.parametrize("row", [row for row in ROWS if not proofs(row)], ids=lambda row: row.id)
def test_a_row_without_proofs_earns_nothing_and_says_what_is_missing(row: Row) -> None:
    judged = scoring.judge(row, everything())
    assert judged.points == 0
    assert judged.lacking == [f"missing: {row.missing}"]
    assert row.missing


def test_half_a_point_says_what_is_missing_of_the_other_half() -> None:
    halves = [row for row in ROWS if row.partly]
    assert halves
    assert all(scoring.judge(row, everything()).lacking == [f"missing: {row.missing}"] for row in halves)


def test_both_kinds_of_proof_fall_back_to_half_a_point() -> None:
    row = Row("data-1", "", automatic=(Green("robustness"),), partly=(Green("slices"),), missing="robustness")
    found = toy.findings()
    assert scoring.judge(row, found).points == 0.5
    green = {**found.verdicts, "robustness": {"gate": "robustness", "passed": True}}
    assert scoring.judge(row, replace(found, verdicts=green)).points == 1
    assert scoring.judge(row, replace(found, verdicts={})).points == 0


def test_the_rubric_is_the_paper_s() -> None:
    assert [row.id for row in ROWS] == [f"{section}-{number}" for section in SECTIONS for number in range(1, 8)]
    assert len({row.test for row in ROWS}) == 28


def test_the_score_is_the_least_of_the_four_sections() -> None:
    score = scoring.score(everything(), "r1")
    sections = {name: score.section(name) for name in SECTIONS}
    assert sections["data"] == 7
    assert score.final == min(sections.values()) < max(sections.values())
    assert score.section("monitor") == sum(entry.points for entry in score.judged[-7:])
    nothing = scoring.score(Findings("toy"), "r1")
    assert nothing.final == 0
    assert nothing.reading == "more of a research project than a productionized system"


@pytest.mark.parametrize(
    ("points", "said"), [(1, "serious holes"), (3, "reasonably tested"), (5, "strong"), (6, "exce")]
)
def test_what_the_paper_makes_of_a_score(points: int, said: str) -> None:
    rows = [
        replace(row, automatic=(Green("slices"),), partly=()) if int(row.id[-1]) <= points else Row(row.id, row.test)
        for row in ROWS
    ]
    score = scoring.score(toy.findings(), "r1", rows)
    assert score.final == points
    assert said in score.reading


def test_json_says_of_every_proof_what_was_seen() -> None:
    found = scoring.score(everything(), "r1").as_json()
    assert (found["model"], found["release"], len(found["tests"])) == ("toy", "r1", 28)
    first = found["tests"][0]
    assert first["proofs"][0] == {"proof": "gate contract", "holds": True, "seen": "green"}
    assert first["lacking"] == []


def test_named_tests_are_those_of_the_model() -> None:
    named = scoring.named_tests("toy")
    assert "tests/unit/models/toy/test_features.py" in named
    assert not [node for node in named if "{" in node]
