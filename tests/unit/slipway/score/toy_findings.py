"""Findings of a model named toy for which every kind of proof holds."""

from __future__ import annotations

from typing import Any

from slipway.score.proofs import Findings


def study() -> dict[str, Any]:
    return {
        "ablation": {
            "rows": 100,
            "features": [{"feature": name, "harms": False} for name in ("a", "b")],
            "unearned": [],
        },
        "staleness": {
            "ages": [
                {"age": age, "above_freshest": {"value": 0.01 * age, "low": 0.0, "high": 0.02 * age}}
                for age in (1, 2, 3)
            ]
        },
    }


def tuning() -> dict[str, Any]:
    return {
        "data": "d1",
        "space": {"learning_rate": {"low": 0.01, "high": 0.3}},
        "trials": [{"number": number} for number in range(30)],
        "in_use": {
            "params": {"learning_rate": 0.1},
            "above_best": {"value": 0.001, "low": -0.001, "high": 0.003},
        },
    }


def findings() -> Findings:
    figures = {"slices": [{"slice": "group=x", "rows": 60}, {"slice": "group=y", "rows": 38}], "too_small": ["group=z"]}
    return Findings(
        model="toy",
        tests={
            "tests/unit/models/toy/test_x.py::test_y": "passed",
            "tests/test_z.py::test_cases[1]": "passed",
            "tests/test_z.py::test_cases[2]": "passed",
        },
        verdicts={"slices": {"gate": "slices", "passed": True, "reason": "", "figures": figures}},
        study=study(),
        features=["a", "b"],
        inclusion=["group"],
        tuning=tuning(),
        train={"learning_rate": 0.1, "seed": 1},
        training_data="d1",
    )
