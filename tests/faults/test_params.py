"""A wrong params.yaml is exit 2 and a sentence with the full key, whatever the key, before anything is written."""

from __future__ import annotations

import copy
import importlib
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway import configuration, gates
from slipway.drift import settings
from slipway.errors import EnvironmentFault, UsageError
from slipway.gates import drift
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import STAGES, Workspace, copy_monorepo

CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
BLOCK = ("models", MODEL)


# Blocks whose keys are for their writer to choose.
OPEN = {("supply_chain", "allowed_imports"), ("advisories", "canaries"), ("advisories", "ignored")}


def _walk(value: Any, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield key, value
    if isinstance(value, dict) and key[-2:] not in OPEN:
        for name, entry in value.items():
            yield from _walk(entry, (*key, name))


EVERY = list(_walk(CONTENT["models"][MODEL], BLOCK))
BLOCKS = [key for key, value in EVERY if isinstance(value, dict) and key[-2:] not in OPEN]
LISTS = [(key, value) for key, value in EVERY if isinstance(value, list)]
LEAVES = [(key, value) for key, value in EVERY if not isinstance(value, dict)]
NUMBERS = [(key, value) for key, value in LEAVES if isinstance(value, int | float)]
WHOLE = [(key, value) for key, value in NUMBERS if isinstance(value, int)]


def _name(key: Any) -> Any:
    return ".".join(key[2:]) if isinstance(key, tuple) else repr(key)


def _with(key: tuple[str, ...], value: Any) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    at = content
    for part in key[:-1]:
        at = at[part]
    at[key[-1]] = value
    return content


def _without(key: tuple[str, ...]) -> dict[str, Any]:
    content = _with(key, None)
    at = content
    for part in key[:-1]:
        at = at[part]
    del at[key[-1]]
    return content


def _complaint(tmp_path: Path, content: Any) -> str:
    file = tmp_path / "params.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(UsageError) as caught:
        configuration.load(MODEL, file)
    assert caught.value.exit_code == 2
    assert str(file) in caught.value.what
    return caught.value.what


def test_every_gate_and_stage_is_covered() -> None:
    named = {key[2:4] for key, _ in EVERY}
    assert {("gates", gate) for gate in gates.names()} <= named
    assert {(block,) for block in ("ingest", "split", "check_drift", "train", "evaluate", "gates")} <= named
    assert len(LEAVES) > 40


def test_the_file_itself_is_good(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(CONTENT))
    assert configuration.load(MODEL, tmp_path / "params.yaml") == configuration.load(MODEL, ROOT / "params.yaml")


@pytest.mark.parametrize("block", BLOCKS, ids=_name)
def test_a_key_that_is_not_known_is_named_with_those_that_are(tmp_path: Path, block: tuple[str, ...]) -> None:
    said = _complaint(tmp_path, _with((*block, "mispelt"), 1))
    assert f"{'.'.join(block)}.mispelt is not a known key" in said
    known = next(value for key, value in EVERY if key == block)
    assert f"(allowed: {', '.join(known)})" in said


@pytest.mark.parametrize("key", [key for key, _ in EVERY if key != BLOCK], ids=_name)
def test_a_missing_key_is_named(tmp_path: Path, key: tuple[str, ...]) -> None:
    assert f"{'.'.join(key)} is missing" in _complaint(tmp_path, _without(key))


@pytest.mark.parametrize(("key", "value"), NUMBERS, ids=_name)
@pytest.mark.parametrize("wrong", [str, lambda _: True, lambda _: None, lambda value: [value]])
def test_what_is_no_number_is_refused_by_key(tmp_path: Path, key: tuple[str, ...], value: Any, wrong: Any) -> None:
    said = _complaint(tmp_path, _with(key, wrong(value)))
    assert f"{'.'.join(key)} is {wrong(value)!r}: " in said
    assert "valid integer" in said or "valid number" in said


@pytest.mark.parametrize(("key", "value"), LISTS, ids=_name)
def test_what_is_no_list_of_words_is_refused_by_key(tmp_path: Path, key: tuple[str, ...], value: Any) -> None:
    name = ".".join(key)
    for wrong in (value[0], 1, None, {value[0]: 1}):
        assert f"{name} is {wrong!r}: " in _complaint(tmp_path, _with(key, wrong))
    assert f"{name}.1 is 7: " in _complaint(tmp_path, _with(key, [value[0], 7]))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("supply_chain.allowed_imports", {"polars": "col"}, ".polars is 'col'"),
        ("supply_chain.allowed_imports", ["polars"], " is ['polars']"),
        ("advisories.canaries", {}, " is {}: "),
        ("advisories.canaries", {"jinja2==2.4.1": 7}, ".jinja2==2.4.1 is 7"),
        ("advisories.ignored", {"CVE-1": "because"}, ".CVE-1 is 'because'"),
        ("advisories.ignored", {"CVE-1": {"until": "2026-12-31"}}, ".CVE-1.reason is missing"),
        ("advisories.ignored", {"CVE-1": {"reason": "unused", "until": "2026-12-31"}}, ".CVE-1.reason is 'unused'"),
        ("advisories.ignored", {"CVE-1": {"reason": "we never call it", "until": "soon"}}, ".CVE-1 is "),
        ("advisories.ignored", {"CVE-1": {"reason": "we never call it"}}, ".CVE-1.until is missing"),
    ],
)
def test_a_wrong_entry_of_an_open_block_is_refused_by_key(tmp_path: Path, key: str, value: Any, named: str) -> None:
    said = _complaint(tmp_path, _with((*BLOCK, "gates", *key.split(".")), value))
    assert f"models.{MODEL}.gates.{key}{named}" in said


@pytest.mark.parametrize(("key", "value"), WHOLE, ids=_name)
def test_a_fraction_is_no_count(tmp_path: Path, key: tuple[str, ...], value: int) -> None:
    assert f"{'.'.join(key)} is {value + 0.5}: " in _complaint(tmp_path, _with(key, value + 0.5))


@pytest.mark.parametrize(("key", "value"), NUMBERS, ids=_name)
@pytest.mark.parametrize("endless", [math.inf, -math.inf, math.nan])
def test_an_endless_number_is_refused_by_key(tmp_path: Path, key: tuple[str, ...], value: Any, endless: float) -> None:
    """An infinite threshold would be a gate's off switch."""
    assert f"{'.'.join(key)} is {endless}: it must be a finite number" in _complaint(tmp_path, _with(key, endless))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ingest.first_month", "2013-13"),
        ("ingest.last_month", "2013-1"),
        ("ingest.last_month", 201312),
        ("split.train_through", "August"),
        ("split.evaluate_months", 0),
        ("check_drift.judged_weeks", 0),
        ("check_drift.family_alarm_rate", 0.5),
        ("train.num_trees", 0),
        ("train.num_trees", -5),
        ("train.learning_rate", 1.5),
        ("train.num_leaves", 1),
        ("train.bagging_fraction", 0),
        ("train.lambda_l2", -0.1),
        ("evaluate.resamples", 99),
        ("evaluate.confidence", 1.0),
        ("gates.contract.max_quarantined_share", 1.0),
        ("gates.leakage.max_single_feature_auc", 1.1),
        ("gates.drift.min_power", 0.1),
        ("gates.drift.max_false_alarm_rate", 0.2),
        ("gates.baseline.min_gain", -1),
        ("gates.baseline.metric", "log_los"),
        ("gates.challenger.margin", 0),
        ("gates.challenger.metric", "accuracy"),
        ("gates.slices.significance", 1),
        ("gates.calibration.bins", 1),
        ("gates.budget.max_trees", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_key(tmp_path: Path, key: str, value: Any) -> None:
    said = _complaint(tmp_path, _with((*BLOCK, *key.split(".")), value))
    assert f"models.{MODEL}.{key} is {value!r}: " in said
    assert "should be" in said or "should match" in said


@pytest.mark.parametrize("block", [key for key in BLOCKS if key != BLOCK], ids=_name)
@pytest.mark.parametrize("value", ["x", 1, [1], None])
def test_what_is_no_block_is_refused_by_key(tmp_path: Path, block: tuple[str, ...], value: Any) -> None:
    assert f"{'.'.join(block)} is {value!r}: " in _complaint(tmp_path, _with(block, value))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    content = _with((*BLOCK, "train", "num_trees"), "many")
    content["models"][MODEL]["gates"]["slices"]["margn"] = 1
    said = _complaint(tmp_path, content)
    assert "train.num_trees is 'many'" in said
    assert "gates.slices.margn is not a known key" in said


def test_a_month_that_yaml_takes_for_a_date_is_told_to_be_quoted(tmp_path: Path) -> None:
    said = _complaint(tmp_path, _with((*BLOCK, "split", "train_through"), date(2013, 8, 1)))
    assert (
        f'models.{MODEL}.split.train_through is a date (2013-08-01): a month is written in quotes, as in "2013' in said
    )


def test_a_key_that_is_no_word(tmp_path: Path) -> None:
    assert f"models.{MODEL}.train.5 is not a known key" in _complaint(tmp_path, _with((*BLOCK, "train", 5), 1))  # type: ignore[arg-type]


def test_a_key_beside_models(tmp_path: Path) -> None:
    assert "modles is not a known key (allowed: models)" in _complaint(tmp_path, _with(("modles",), {}))


def test_a_block_of_another_name(tmp_path: Path) -> None:
    said = _complaint(tmp_path, {"models": {"flight_dealy": CONTENT["models"][MODEL]}})
    assert f"has no block models.{MODEL}" in said


@pytest.mark.parametrize("content", ["", "# nothing\n", "- models\n", "models", "7"])
def test_a_file_without_blocks(tmp_path: Path, content: str) -> None:
    assert "the whole file is " in _complaint(tmp_path, content)


@pytest.mark.parametrize(
    "content", ["models: [", "models:\n\tflight_delay: 1", "a: b: c", "x: !!python/name:os.system"]
)
def test_what_is_not_yaml_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    said = _complaint(tmp_path, content)
    assert "is not valid YAML" in said
    assert "line " in said


def test_what_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"models: \xff\xfe")
    with pytest.raises(UsageError, match="is not valid YAML"):
        configuration.load(MODEL, tmp_path / "params.yaml")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"params\.yaml cannot be read: No such file") as caught:
        configuration.load(MODEL, tmp_path / "params.yaml")
    assert "git checkout" in caught.value.remedy


# The drift stage reads its blocks without pydantic.
DRIFT_BLOCKS = {"check_drift": settings.Settings, "gates.drift": drift.Thresholds}
DRIFT_KEYS = [(name, key) for name, block in DRIFT_BLOCKS.items() for key in block.__dataclass_fields__]
DRIFT_KEYS = [(name, key) for name, key in DRIFT_KEYS if not key.startswith("_")]


def _drift_block(name: str) -> dict[str, Any]:
    block = CONTENT["models"][MODEL]
    for part in name.split("."):
        block = block[part]
    return dict(block)


@pytest.mark.parametrize(("name", "key"), DRIFT_KEYS)
@pytest.mark.parametrize("value", ["4", True, None, [1], -1, math.nan, math.inf])
def test_the_drift_stage_s_reader_refuses_what_pydantic_would(name: str, key: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"here\.{key} is {value!r}".replace("[", r"\[").replace("]", r"\]")):
        settings.read(DRIFT_BLOCKS[name], _drift_block(name) | {key: value}, "here")


@pytest.mark.parametrize(("name", "key"), DRIFT_KEYS)
def test_the_drift_stage_s_reader_names_a_misspelt_key(name: str, key: str) -> None:
    block = _drift_block(name)
    block[f"{key}s"] = block.pop(key)
    with pytest.raises(UsageError) as caught:
        settings.read(DRIFT_BLOCKS[name], block, "here")
    assert f"here.{key}s is not a known key" in caught.value.what
    assert f"here.{key} is missing" in caught.value.what
    assert key in caught.value.remedy


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy without any data, whose params.yaml has a misspelt key in each block that a stage reads."""
    workspace = copy_monorepo(tmp_path_factory.mktemp("bare"))
    blocks = ("ingest", "split", "check_drift", "train", "evaluate", "gates")
    workspace.set_params({block: {"mispelt": 1} for block in blocks})
    return workspace


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "check_drift"])
def test_every_stage_refuses_before_it_writes(bare: Workspace, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    monkeypatch.chdir(bare.top)
    with pytest.raises(UsageError, match="mispelt is not a known key"):
        getattr(importlib.import_module(f"pipelines.{stage}"), stage)(MODEL)
    assert not (bare.top / "data").exists()
    assert not (bare.top / "artifacts").exists()


@pytest.mark.parametrize("stage", ["train", "check_drift"])
def test_the_stage_s_process_is_exit_2_with_one_sentence(bare: Workspace, stage: str) -> None:
    done = bare.stage(stage)
    assert done.returncode == 2
    assert f"models.{MODEL}.{stage}.mispelt is not a known key" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (bare.top / "data").exists()
