"""Gate ``skew``: a server that answers otherwise than the evaluation did is red, be it by one bit in one row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract, features
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.rows import judged_rows
from slipway.gates import skew
from slipway.gates.skew import Answers
from slipway.gates.verdict import Verdict
from slipway.project import ModelPaths
from slipway.release import load, package, rehearsal
from tests.conftest import MODEL

WAYS = {"V2 row by row", "V2 many rows at once", "Seldon v1 row by row", "Seldon v1 many rows at once"}
Served = dict[str, Answers]


@dataclass(frozen=True)
class Sample:
    """The candidate, the rows that its server is asked, and what the evaluation said of them."""

    candidate: Path
    requests: pl.DataFrame
    offline: Answers


@pytest.fixture(scope="module")
def asked(paths: ModelPaths, model_params: ModelParams) -> Iterator[Sample]:
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    raw = judged_rows(paths, contract, scores)
    with package.candidate(paths, model_params.model_dump(mode="json")) as folder:
        release = load(folder)
        chosen = rehearsal.sample(raw, release.fields, model_params.gates.skew.min_rows)
        score = scores["score"].to_numpy()[chosen]
        yield Sample(folder, raw[chosen], Answers(score, score >= release.threshold))


@pytest.fixture(scope="module")
def served(asked: Sample) -> Served:
    """What the real server answers."""
    return rehearsal.rehearse(asked.candidate, asked.requests)


def tampered(asked: Sample, room: Path, name: str, change: Callable[[str], str]) -> Served:
    """What the server of a candidate with one changed file answers."""
    parts: dict[str, package.Part] = {
        path.relative_to(asked.candidate).as_posix(): path
        for path in asked.candidate.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    before = (asked.candidate / name).read_text()
    after = change(before)
    assert after != before
    return rehearsal.rehearse(package.seal(parts | {name: after.encode()}, room, MODEL), asked.requests)


def red(verdict: Verdict) -> dict[str, Any]:
    """The figures by way of a verdict that must be red."""
    assert verdict.gate == "skew"
    assert not verdict.passed
    return dict(verdict.figures["served"])


def test_the_real_server_passes(asked: Sample, served: Served, limits: Gates) -> None:
    verdict = skew.judge(asked.offline, served, limits.skew)
    assert verdict.passed, verdict.reason
    assert set(verdict.figures["served"]) == WAYS
    assert verdict.figures["rows"] >= limits.skew.min_rows
    for found in verdict.figures["served"].values():
        assert found.pop("rows") == verdict.figures["rows"]
        assert set(found.values()) == {0}
    assert 0 < served["V2 row by row"].decision.sum() < asked.requests.height


def test_fault_a_feature_computed_otherwise_online(asked: Sample, limits: Gates, tmp_path: Path) -> None:
    def change(code: str) -> str:
        return code.replace('raw.number("visib"),', 'raw.where(raw.number("visib") < 3, 10.0, raw.number("visib")),')

    served = tampered(asked, tmp_path, "model/features.py", change)
    verdict = skew.judge(asked.offline, served, limits.skew)
    for found in red(verdict).values():
        assert 0 < found["differing_scores"] < asked.requests.height / 10
        assert found["largest_difference_ulp"] > 1000
        assert found["missing"] == 0
    assert "By V2 row by row" in verdict.reason
    assert "served" in verdict.reason


def test_fault_only_single_rows_are_computed_otherwise(asked: Sample, limits: Gates, tmp_path: Path) -> None:
    def change(code: str) -> str:
        return code.replace('raw.number("humid"),', "_humid(raw),") + (
            "\ndef _humid(raw):\n"
            '    value = raw.number("humid")\n'
            "    return 50.0 if type(value) is float and value < 30 else value\n"
        )

    served = tampered(asked, tmp_path, "model/features.py", change)
    found = red(skew.judge(asked.offline, served, limits.skew))
    assert {way for way in found if found[way]["differing_scores"]} == {"V2 row by row", "Seldon v1 row by row"}


def test_fault_state_of_other_data(asked: Sample, paths: ModelPaths, limits: Gates, tmp_path: Path) -> None:
    def change(_: str) -> str:
        validated = pl.read_parquet(paths.validated / "2013-01.parquet")
        return json.dumps(features.fit(validated.filter(pl.col("dest") != "ATL")))

    served = tampered(asked, tmp_path, "state.json", change)
    found = red(skew.judge(asked.offline, served, limits.skew))
    assert all(entry["differing_scores"] for entry in found.values())


def test_fault_the_server_refuses_what_the_contract_allows(asked: Sample, limits: Gates, tmp_path: Path) -> None:
    def change(signature: str) -> str:
        fields = json.loads(signature)
        next(field for field in fields if field["name"] == "plane_year")["nullable"] = False
        return json.dumps(fields)

    served = tampered(asked, tmp_path, "signature.json", change)
    verdict = skew.judge(asked.offline, served, limits.skew)
    assert red(verdict)["V2 row by row"]["missing"] == asked.requests["plane_year"].null_count()
    assert "null is not allowed" in verdict.reason


@pytest.mark.parametrize("way", sorted(WAYS))
def test_fault_one_score_is_off_by_one_bit(asked: Sample, served: Served, limits: Gates, way: str) -> None:
    score = served[way].score.copy()
    score[7] = np.nextafter(score[7], 1)
    verdict = skew.judge(asked.offline, served | {way: replace(served[way], score=score)}, limits.skew)
    found = red(verdict)
    assert (found[way]["differing_scores"], found[way]["largest_difference_ulp"]) == (1, 1)
    assert float(score[7]).hex() in verdict.reason
    assert all(entry["differing_scores"] == 0 for other, entry in found.items() if other != way)


def test_fault_the_wrong_sign_of_nothing(limits: Gates) -> None:
    rows = limits.skew.min_rows
    offline = Answers(np.zeros(rows), np.zeros(rows, dtype=bool))
    found = red(skew.judge(offline, {"V2": replace(offline, score=-offline.score)}, limits.skew))
    assert (found["V2"]["differing_scores"], found["V2"]["largest_difference_ulp"]) == (rows, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fault_an_answer_is_missing(asked: Sample, served: Served, limits: Gates, value: float) -> None:
    way = "Seldon v1 row by row"
    score = served[way].score.copy()
    score[-1] = value
    answers = replace(served[way], score=score, refusal="500 it broke")
    verdict = skew.judge(asked.offline, served | {way: answers}, limits.skew)
    assert red(verdict)[way]["missing"] == 1
    assert "1 of" in verdict.reason
    assert "500 it broke" in verdict.reason


def test_fault_a_row_is_left_out(asked: Sample, served: Served, limits: Gates) -> None:
    way = "V2 many rows at once"
    short = Answers(served[way].score[:-1], served[way].decision[:-1])
    verdict = skew.judge(asked.offline, served | {way: short}, limits.skew)
    assert red(verdict)[way]["missing"] == 1
    assert f"{asked.requests.height - 1} answers to {asked.requests.height} rows" in verdict.reason


def test_fault_the_decision_differs_at_an_equal_score(asked: Sample, served: Served, limits: Gates) -> None:
    way = "V2 row by row"
    decision = served[way].decision.copy()
    decision[3] = not decision[3]
    found = red(skew.judge(asked.offline, served | {way: replace(served[way], decision=decision)}, limits.skew))
    assert (found[way]["differing_decisions"], found[way]["differing_scores"]) == (1, 0)


def test_fault_offline_and_online_are_nan_alike(asked: Sample, served: Served, limits: Gates) -> None:
    nothing = np.full(asked.requests.height, np.nan)
    offline = replace(asked.offline, score=nothing)
    verdict = skew.judge(offline, {way: replace(found, score=nothing) for way, found in served.items()}, limits.skew)
    assert all(entry["missing"] == asked.requests.height for entry in red(verdict).values())
    assert "are no numbers" in verdict.reason


def test_fault_nobody_was_asked(asked: Sample, limits: Gates) -> None:
    verdict = skew.judge(asked.offline, {}, limits.skew)
    assert not verdict.passed
    assert "asked nothing" in verdict.reason


def test_fault_too_few_rows(asked: Sample, served: Served, limits: Gates) -> None:
    def few(answers: Answers) -> Answers:
        return Answers(answers.score[:20], answers.decision[:20])

    verdict = skew.judge(few(asked.offline), {way: few(found) for way, found in served.items()}, limits.skew)
    assert not verdict.passed
    assert "Only 20 rows were asked" in verdict.reason
