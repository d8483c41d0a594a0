from __future__ import annotations

from pathlib import Path

from slipway.report import standing, verdicts
from slipway.report.standing import Standing
from slipway.report.verdicts import Judgement, State
from tests.report import toy_run
from tests.report.toy_run import TOY


def found() -> Standing:
    return standing.of(verdicts.read(TOY), TOY)


def judged(**states: State) -> list[Judgement]:
    return [Judgement(gate, state, "") for gate, state in states.items()]


def test_green_without_a_release_is_not_packaged_yet(top: Path) -> None:
    assert (found().good, found().digest) == (True, None)
    assert "Not packaged yet" in found().headline


def test_a_release_of_this_model_and_this_evidence_is_named(top: Path) -> None:
    digest = toy_run.package(top)
    assert found() == Standing("Packaged: every gate is green.", True, digest)


def test_a_release_of_another_model_or_other_evidence_is_not(top: Path) -> None:
    toy_run.package(top)
    TOY.evidence.write_text("{}\n")
    assert found().digest is None
    toy_run.package(top)
    (TOY.trained / "model.txt").write_text("another tree\n")
    assert standing.of(judged(volume="green"), TOY).digest is None


def test_what_keeps_it_from_being_packaged_is_named(top: Path) -> None:
    toy_run.package(top)
    said = standing.of(judged(drift="red", slices="red", budget="missing", volume="stale", leakage="green"), TOY)
    assert said == Standing(
        "Not packaged: gates drift, slices are red and gate budget is without a verdict and gate volume is stale.",
        False,
    )
