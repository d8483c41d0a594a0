"""Gate ``drift`` on the real year: measured once in environments/drift, judged here."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway import project
from slipway.drift import settings as drift_settings
from slipway.drift.reading import Power, Reading, Week, from_json
from slipway.gates import drift

MEASURE = Path(__file__).with_name("drift_readings.py")
PYTHON = Path("environments/drift/.venv/bin/python")


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    return yaml.safe_load((project.root() / "params.yaml").read_text())["models"]["flight_delay"]


@pytest.fixture(scope="session")
def thresholds(params: dict[str, Any]) -> drift.Thresholds:
    return drift_settings.read(drift.Thresholds, params["gates"]["drift"], "gates.drift")


@pytest.fixture(scope="session")
def measured(params: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = project.root()
    assert (root / PYTHON).exists(), f"{PYTHON} is missing: `uv sync --project environments/drift`"
    assert list((root / "data/flight_delay/validated").glob("*.parquet")), "No validated data: `make repro`"
    output = tmp_path_factory.mktemp("drift") / "readings.json"
    order = {"settings": params["check_drift"], "train_through": params["split"]["train_through"]}
    command = [str(root / PYTHON), str(MEASURE), str(output)]
    run = subprocess.run(command, input=json.dumps(order), cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(output.read_text())


@pytest.fixture
def clean(measured: dict[str, Any]) -> Reading:
    return from_json(measured["clean"])


def test_real_weeks_pass(clean: Reading, thresholds: drift.Thresholds) -> None:
    verdict = drift.judge(clean, thresholds)
    assert verdict.passed, verdict.reason
    assert verdict.figures["drifted"] == []


def test_alarm_is_calibrated_on_weeks_it_has_not_seen(clean: Reading, thresholds: drift.Thresholds) -> None:
    figures = drift.judge(clean, thresholds).figures
    assert figures["false_alarms"]["rate"] <= 0.05
    assert figures["false_alarms"]["weeks"] >= thresholds.min_null_weeks
    required = [entry for entry in figures["power"].values() if entry["required"]]
    assert len(required) == 5
    assert all(entry["rate"] >= 0.95 for entry in required)


@pytest.mark.parametrize("sensor", ["temp", "wind_speed", "pressure"])
def test_fault_sensor_stuck(measured: dict[str, Any], thresholds: drift.Thresholds, sensor: str) -> None:
    verdict = drift.judge(from_json(measured[f"stuck {sensor}"]), thresholds)
    assert verdict.gate == "drift"
    assert not verdict.passed
    assert f"{sensor}_unchanged by" in verdict.reason


@pytest.mark.parametrize("carrier", ["B6", "VX"])
def test_fault_carrier_vanishes(measured: dict[str, Any], thresholds: drift.Thresholds, carrier: str) -> None:
    verdict = drift.judge(from_json(measured[f"vanished {carrier}"]), thresholds)
    assert verdict.gate == "drift"
    assert not verdict.passed
    assert verdict.figures["features"]["carrier_lost"]["effect"] == 1.0
    assert "carrier_lost by 1.000" in verdict.reason


@pytest.mark.parametrize(("column", "figure"), [("humid", "humid_excess"), ("distance", "distance")])
def test_fault_mean_shifted(measured: dict[str, Any], thresholds: drift.Thresholds, column: str, figure: str) -> None:
    verdict = drift.judge(from_json(measured[f"shifted {column}"]), thresholds)
    assert verdict.gate == "drift"
    assert not verdict.passed
    assert figure in verdict.figures["drifted"]


def test_fault_values_go_missing(measured: dict[str, Any], thresholds: drift.Thresholds) -> None:
    verdict = drift.judge(from_json(measured["missing temp"]), thresholds)
    assert not verdict.passed
    assert "temp_missing" in verdict.figures["drifted"]


def test_nan_in_a_feature_is_an_error_that_names_it(measured: dict[str, Any]) -> None:
    assert measured["nan"]["exit_code"] == 2
    assert "'dewp' holds NaN" in measured["nan"]["message"]
    assert "2013-12-23..2013-12-29" in measured["nan"]["message"]


def test_fault_alarm_rings_too_often(clean: Reading, thresholds: drift.Thresholds) -> None:
    shrill = replace(clean, weeks=tuple(_alarming(week) if week.role == "evaluated" else week for week in clean.weeks))
    verdict = drift.judge(shrill, thresholds)
    assert not verdict.passed
    assert "not calibrated" in verdict.reason


def test_fault_alarm_is_deaf(clean: Reading, thresholds: drift.Thresholds) -> None:
    verdict = drift.judge(replace(clean, power=tuple(_deaf(power) for power in clean.power)), thresholds)
    assert not verdict.passed
    assert "deaf" in verdict.reason
    assert "temp 1 of" in verdict.reason


def test_fault_power_was_not_measured(clean: Reading, thresholds: drift.Thresholds) -> None:
    assert not drift.judge(replace(clean, power=()), thresholds).passed


@pytest.mark.parametrize("field", ["effects", "p_values", "thresholds"])
def test_fault_figure_is_nan(clean: Reading, thresholds: drift.Thresholds, field: str) -> None:
    week = clean.weeks[-1]
    broken = replace(week, **{field: {**getattr(week, field), "temp": float("nan")}})
    verdict = drift.judge(replace(clean, weeks=(*clean.weeks[:-1], broken)), thresholds)
    assert not verdict.passed
    assert "temp" in verdict.reason
    assert "not a finite number" in verdict.reason


def test_fault_no_week_is_judged(clean: Reading, thresholds: drift.Thresholds) -> None:
    weeks = tuple(week for week in clean.weeks if week.role != "judged")
    assert not drift.judge(replace(clean, weeks=weeks), thresholds).passed


def _alarming(week: Week) -> Week:
    return replace(week, effects={**week.effects, "temp": 1.0})


def _deaf(power: Power) -> Power:
    missed = {target: (max(hit - 1, 0), of) for target, (hit, of) in power.by_target.items()}
    return replace(power, noticed=sum(hit for hit, _ in missed.values()), by_target=missed)
