"""Gate ``policy``: a release that does not say who answers for it, or that lets a tail number out, is red by name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.flight_delay import contract
from slipway import project
from slipway.configuration import Gates
from slipway.contracts.derivation import derive
from slipway.contracts.signature import TOKENISED, Field
from slipway.gates import policy
from slipway.gates.policy import Facts
from slipway.gates.verdict import Verdict
from slipway.project import ModelPaths
from slipway.release import facts as release_facts
from tests.live_server import LiveServer

PERSONAL = "tailnum"


@pytest.fixture(scope="session")
def real(paths: ModelPaths) -> Facts:
    return release_facts.gather(paths)


def saying(real: Facts, key: str, value: Any) -> Facts:
    """The facts with another value at a dotted key of model.yaml; without it, for ``...``."""
    statement = copy.deepcopy(real.statement)
    *above, last = key.split(".")
    at = statement
    for part in above:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return replace(real, statement=statement)


def assert_red(verdict: Verdict, requirement: str, said: str) -> None:
    """Red by this requirement and no other."""
    assert verdict.gate == "policy"
    assert not verdict.passed
    assert verdict.figures["unmet"] == [requirement]
    assert re.search(said, verdict.figures["requirements"][requirement][0])
    assert verdict.reason.startswith(f"{requirement}: ")


def test_real_model_passes(real: Facts, limits: Gates) -> None:
    verdict = policy.judge(real, limits.policy)
    assert verdict.passed, verdict.reason
    assert set(verdict.figures["requirements"]) == set(policy.REQUIREMENTS)
    assert verdict.figures["personal"] == [PERSONAL]


@pytest.mark.parametrize(
    ("key", "requirement"),
    [
        ("title", "title"),
        ("owner", "owner"),
        ("purpose", "purpose"),
        ("licence", "licence"),
        ("data_licence", "data_licence"),
        ("retention_days", "retention"),
        ("label_delay", "label_delay"),
        ("output.score", "output"),
        ("output.decision", "output"),
        ("kpi", "kpi"),
        ("kpi.name", "kpi"),
        ("kpi.currency", "kpi"),
        ("kpi.costs", "kpi"),
        ("kpi.costs.missed_late", "kpi"),
    ],
)
@pytest.mark.parametrize("value", [..., None])
def test_fault_what_is_not_said(real: Facts, limits: Gates, key: str, requirement: str, value: Any) -> None:
    verdict = policy.judge(saying(real, key, value), limits.policy)
    assert_red(verdict, requirement, f"model.yaml lacks .*{key}")


@pytest.mark.parametrize("statement", [None, [], "owner: me", {}])
def test_fault_nothing_is_said(real: Facts, limits: Gates, statement: Any) -> None:
    verdict = policy.judge(replace(real, statement=statement), limits.policy)
    assert not verdict.passed
    assert {"owner", "licence", "data_licence", "retention", "kpi"} <= set(verdict.figures["unmet"])


@pytest.mark.parametrize(
    ("key", "value", "requirement", "said"),
    [
        ("owner", "operations@example.com", "owner", "placeholder"),
        ("owner", "operations@airline.test", "owner", "placeholder"),
        ("owner", "@your-team", "owner", "placeholder"),
        ("owner", "Jane from the third floor", "owner", "neither an e-mail address nor"),
        ("owner", 7, "owner", "lacks owner"),
        ("licence", "Proprietary", "licence", "none of Apache-2.0"),
        ("licence", "GPL-3.0-only", "licence", "none of Apache-2.0"),
        ("data_licence", "CC-BY-NC-4.0", "data_licence", "none of CC0-1.0"),
        ("data_licence", "CC-BY-4.0", "data_licence", "not what ingestion recorded"),
        ("retention_days", 0, "retention", "not a whole number from 1"),
        ("retention_days", -1, "retention", "not a whole number from 1"),
        ("retention_days", 36_500, "retention", "not a whole number from 1 to 1095"),
        ("retention_days", "for ever", "retention", "not a whole number"),
        ("retention_days", True, "retention", "not a whole number"),
        ("label_delay", "soon", "label_delay", "not a number and a unit"),
        ("label_delay", "26 weeks", "label_delay", "more than 30 days"),
        ("purpose", "Predicts delays.", "purpose", "fewer than 8 words"),
        ("purpose", "TODO say what this model is for and for whom", "purpose", "placeholder 'TODO'"),
        ("output.score", "Late probability", "output", "no name in lower case"),
        ("output.score", "late", "output", "both 'late'"),
        ("kpi.currency", "dollars", "kpi", "no ISO 4217 code"),
        ("kpi.costs.acted_on_time", 0, "kpi", "do not make sense"),
        ("kpi.costs.missed_late", 1, "kpi", "do not make sense"),
        ("kpi.costs.missed_late", "much", "kpi", "lacks the number kpi.costs.missed_late"),
        ("kpi.costs.missed_late", 480, "decision_threshold", "evaluated at 0.230769, but the costs lead to 0.103448"),
    ],
)  # fmt: skip
def test_fault_what_is_said_wrongly(
    real: Facts, limits: Gates, key: str, value: Any, requirement: str, said: str
) -> None:
    assert_red(policy.judge(saying(real, key, value), limits.policy), requirement, said)


def test_fault_a_licence_on_the_list_that_spdx_does_not_know(real: Facts, limits: Gates) -> None:
    thresholds = replace(limits.policy, allowed_licences=(*limits.policy.allowed_licences, "Apache 2"))
    assert_red(policy.judge(real, thresholds), "licence", "'Apache 2' is no SPDX identifier")


def test_fault_evaluated_without_a_threshold(real: Facts, limits: Gates) -> None:
    assert_red(
        policy.judge(replace(real, threshold=None), limits.policy), "decision_threshold", "no decision threshold"
    )


@pytest.mark.parametrize("section", policy.SECTIONS)
@pytest.mark.parametrize(
    ("text", "said"), [(None, "lacks the section"), ("", "is empty"), ("To be written.", "fewer than"), ("TBD", "TBD")]
)
def test_fault_a_section_of_the_card(real: Facts, limits: Gates, section: str, text: str | None, said: str) -> None:
    others = {title: body for title, body in real.card.items() if title != section}
    card = others if text is None else {**others, section: text}
    assert_red(policy.judge(replace(real, card=card), limits.policy), "card", said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda field: replace(field, minimum=None), "numeric field distance has no range"),
        (lambda field: replace(field, maximum=None), "numeric field distance has no range"),
        (lambda field: Field("distance", "string"), "string field distance has neither"),
    ],
)
def test_fault_a_field_without_a_rule(real: Facts, limits: Gates, change: Callable[[Field], Field], said: str) -> None:
    fields = tuple(change(field) if field.name == "distance" else field for field in real.fields)
    assert_red(policy.judge(replace(real, fields=fields), limits.policy), "contract", said)


def test_fault_a_contract_without_a_request(real: Facts, limits: Gates) -> None:
    assert_red(policy.judge(replace(real, fields=()), limits.policy), "contract", "marks no column")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"personal": False}, "tailnum is not marked personal, though its name begins with 'tail'"),
        ({"about": ""}, "tailnum does not say why it is personal"),
    ],
)
def test_fault_a_personal_column_without_its_mark(
    real: Facts, limits: Gates, change: dict[str, Any], said: str
) -> None:
    columns = tuple(replace(column, **change) if column.name == PERSONAL else column for column in real.columns)
    assert_red(policy.judge(replace(real, columns=columns), limits.policy), "personal", said)


def test_fault_a_personal_request_field_that_is_logged_as_it_is(real: Facts, limits: Gates) -> None:
    def with_field(logged: str | None) -> Facts:
        return replace(real, fields=(*real.fields, Field(PERSONAL, "string", pattern="N.*", logged=logged)))

    assert_red(policy.judge(with_field(None), limits.policy), "personal", "tailnum would be logged as it is")
    assert policy.judge(with_field(TOKENISED), limits.policy).passed


@pytest.mark.parametrize("module", ["features", "slices", "drift_view"])
def test_fault_code_that_reads_a_tail_number(
    paths: ModelPaths, limits: Gates, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Not the facts are broken here but the model's code, so that the reading of it is tested too."""
    code = project.module(paths.name, module)
    if module == "features":
        original = code.transform
        prying = lambda raw, state: [*original(raw, state)[:-1], raw.code(PERSONAL, {"N1": 1})]  # noqa: E731
        monkeypatch.setattr(code, "transform", prying)
    else:
        name = {"slices": "slices", "drift_view": "view"}[module]
        original = getattr(code, name)
        monkeypatch.setattr(code, name, lambda raw: original(raw).with_columns(raw[PERSONAL]))
    verdict = policy.judge(release_facts.gather(paths), limits.policy)
    assert not verdict.passed
    assert "personal" in verdict.figures["unmet"]
    where = {"features": "features", "slices": "the slices", "drift_view": "the drift view"}[module]
    assert f"personal column tailnum reaches {where}" in verdict.figures["requirements"]["personal"]


def test_fault_a_drift_view_that_overlooks_a_feature(
    paths: ModelPaths, limits: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = [field.name for field in derive(contract.RAW) if field.name != "recent_delay"]
    monkeypatch.setattr(project.module(paths.name, "drift_view"), "view", lambda raw: raw.select(watched))
    verdict = policy.judge(release_facts.gather(paths), limits.policy)
    assert_red(verdict, "drift_view", "features read recent_delay, which the drift view does not")


@pytest.fixture(scope="module")
def tail_numbers(paths: ModelPaths) -> set[str]:
    found = set(pl.read_parquet(paths.validated / "*.parquet", columns=[PERSONAL])[PERSONAL].drop_nulls())
    assert len(found) > 4000
    return found


def test_no_tail_number_is_in_the_release(release_folder: Path, tail_numbers: set[str]) -> None:
    """Whatever the facts say: none of the 4,000 stands in any file that is shipped."""
    word = re.compile(r"[A-Za-z0-9]+")
    for file in (path for path in release_folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            table = pl.read_parquet(file)
            assert PERSONAL not in table.columns
            words = {value for column in table.select(pl.col(pl.String)) for value in column.unique() if value}
        else:
            words = set(word.findall(file.read_text()))
        assert not words & tail_numbers, file


def test_a_request_with_a_tail_number_is_refused_and_not_quoted(
    server: LiveServer, release_folder: Path, tail_numbers: set[str]
) -> None:
    number = min(tail_numbers)
    row = json.loads((release_folder / "example.json").read_text()) | {PERSONAL: number}
    status, answer = server.post("/api/v1.0/predictions", {"jsonData": row})
    assert status == 400
    assert PERSONAL in json.dumps(answer)
    assert number not in json.dumps(answer) + server.log.read_text()
