"""What a pipeline would have left behind for a model named toy, small and whole, for the tests of the report."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from slipway import gates
from slipway.drift.reading import Power, Reading, Week
from slipway.files import sha256_file, sha256_folder, write_json
from slipway.project import ModelPaths

TOY = ModelPaths("toy")
CHAMPION = "c0ffee" * 10 + "beef"
_CARD = {
    "title": "Toys that break",
    "owner": "toys@example.com",
    "purpose": "Says which toys break.",
    "output": {"score": "breaks_probability", "decision": "breaks"},
    "kpi": {"name": "Cost of broken toys", "currency": "EUR", "costs": {"acted_on_time": 1, "missed_late": 4}},
}
_PARAMS = {
    "split": {"train_through": "2020-02", "evaluate_months": 1},
    "train": {"num_trees": 7, "seed": 2020},
    "evaluate": {"resamples": 100, "confidence": 0.9, "seed": 1},
    "gates": {"slices": {"margin": 0.01}},
}
_PIPELINE = {
    "ingest": {"deps": ["models/${key}/sources.py"], "outs": ["data/${key}/provenance.json"]},
    "validate": {"deps": ["data/${key}/provenance.json"], "outs": ["data/${key}/validated"]},
    "train": {"deps": ["data/${key}/validated/2020-01.parquet", "uv.lock"], "outs": ["artifacts/${key}/model"]},
    "package": {"deps": ["artifacts/${key}/model"], "outs": [{"releases/${key}": {"cache": False}}]},
}


def lay_out(top: Path) -> None:
    """Write the run below ``top``: every gate green, no champion, not packaged yet. It must be the working folder."""
    _write_yaml(top / TOY.home / "model.yaml", _CARD)
    _write_yaml(top / "params.yaml", {"models": {"toy": _PARAMS}})
    _write_yaml(
        top / "dvc.yaml", {"stages": {k: {"foreach": "${models}", "do": body} for k, body in _PIPELINE.items()}}
    )
    (top / TOY.home / "features.py").write_text("# the transform\n")
    _write_rows(top)
    (top / TOY.trained).mkdir(parents=True)
    (top / TOY.trained / "model.txt").write_text("a tree\n")
    write_json(top / TOY.features / "state.json", {})
    write_json(top / TOY.provenance, _provenance())
    write_json(top / TOY.evaluation / "metrics.json", metrics())
    write_json(top / TOY.evaluation / "curves.json", _curves())
    write_json(top / TOY.evaluation / "importance.json", {"colour": 0.7, "weight": 0.3})
    write_json(top / TOY.study / "study.json", study())
    write_json(top / TOY.challenge / "comparison.json", {"champion": None})
    write_json(top / TOY.drift / "reading.json", asdict(reading()))
    write_json(top / TOY.observed, {"budget": {"single_row_ms": 0.5, "memory_mib": 3.0}})
    for gate in gates.names():
        judge(top, gate)
    write_json(top / TOY.evidence, {"verdicts": gates.names()})


def judge(top: Path, gate: str, **changes: Any) -> None:
    """Write the verdict of ``gate``: green, about what is on disk, but for ``changes``."""
    subject = {
        "validated": sha256_folder(top / TOY.validated),
        "model.txt": sha256_file(top / TOY.trained / "model.txt"),
    }
    verdict = {
        "gate": gate,
        "passed": True,
        "reason": f"All is well with {gate}.",
        "figures": _figures().get(gate, {}),
        "thresholds": _thresholds().get(gate, {}),
        "subject": subject,
    }
    write_json(top / TOY.verdict(gate), verdict | changes)


def crown(top: Path, **changes: dict[str, float]) -> None:
    """Record a champion; ``changes`` are the differences in its measures."""
    write_json(top / TOY.challenge / "comparison.json", {"champion": CHAMPION, "rows": 90, **changes})


def package(top: Path) -> str:
    """Write a release of what is on disk and return its digest (made up, as is the rest of its manifest)."""
    digest = "5eed" * 16
    files = {"model.txt": TOY.trained / "model.txt", "evidence.json": TOY.evidence}
    listing = {name: {"sha256": sha256_file(top / file), "bytes": 1} for name, file in files.items()}
    write_json(top / TOY.releases / digest / "manifest.json", {"schema": 1, "model": "toy", "files": listing})
    return digest


def metrics() -> dict[str, Any]:
    """metrics.json."""
    overall = {
        "auc": _estimate(0.8),
        "average_precision": _estimate(0.5),
        "brier": _estimate(0.15),
        "log_loss": _estimate(0.4),
    }
    named = [f"shape {number}" for number in range(12)]
    return {
        "rows": 90,
        "rate": 0.25,
        "overall": overall,
        "groups": {
            "period": [_group("2020-03", overall)],
            "shape": [_group(name, overall) for name in named] + [_group("never breaks", {}) | {"rate": 0.0}],
        },
        "kpi": {
            "per_cases": 1000,
            "threshold": 0.25,
            "cost": 600.0,
            "cost_never_acting": 1000.0,
            "cost_always_acting": 1200.0,
            "saved": 400.0,
        },
    }


def study() -> dict[str, Any]:
    """study.json: "colour" earns its place, "weight" harms."""
    return {
        "ablation": {
            "features": [
                {"feature": "colour", "added_log_loss": _estimate(0.05), "earns": True, "harms": False},
                {"feature": "weight", "added_log_loss": _estimate(-0.05), "earns": False, "harms": True},
            ],
            "groups": [{"features": ["weight", "size"], "added_log_loss": _estimate(0.04), "earns": True}],
            "unearned": ["weight"],
        },
        "staleness": {"ages": [{"age": age, "above_freshest": _estimate(0.01 * age)} for age in (1, 2, 3)]},
    }


def reading() -> Reading:
    """reading.json: 24 weeks, of which the last is judged."""
    effects = {f"figure_{number}": 0.01 * number for number in range(40)}
    roles = ["training"] * 20 + ["evaluated"] * 3 + ["judged"]
    thresholds = dict.fromkeys(effects, 0.5)
    weeks = [Week(f"week {number}", role, effects, {}, thresholds) for number, role in enumerate(roles, start=1)]
    return Reading("nearest", 5, tuple(weeks), (Power("stuck", True, 10, 9, {"weight": (9, 10)}),))


def _write_yaml(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def _write_rows(top: Path) -> None:
    for folder in (TOY.validated, TOY.features):
        (top / folder).mkdir(parents=True)
    pl.DataFrame({"weight": [1.0]}).write_parquet(top / TOY.validated / "2020-01.parquet")
    train = {"period": ["2020-02"] * 2 + ["2020-01"] * 3, "day": [date(2020, 1, 1)] * 5}
    pl.DataFrame(train).write_parquet(top / TOY.features / "train_rows.parquet")
    pl.DataFrame({"period": ["2020-03"] * 4}).write_parquet(top / TOY.features / "evaluation_rows.parquet")


def _provenance() -> dict[str, Any]:
    files = {"toys": {"file": "toys.csv", "bytes": 1234, "sha256": "ab" * 32}}
    return {"package": "toybox", "version": "1.0", "licence": "CC0-1.0", "files": files}


def _estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.03, "high": value + 0.03}


def _group(name: str, measures: dict[str, Any]) -> dict[str, Any]:
    return {"group": name, "rows": 30, "rate": 0.25, "score": 0.3, **measures}


def _curves() -> dict[str, Any]:
    steps = [number / 20 for number in range(21)]
    return {
        "roc": [{"false_positive_rate": at, "true_positive_rate": at**0.5} for at in steps],
        "precision_recall": [{"recall": at, "precision": 1 - 0.75 * at} for at in steps],
        "reliability": [{"rows": 9, "score": at, "rate": at**1.2} for at in steps[::2]],
        "kpi": [{"threshold": at, "cost": 1200 - 200 * at - 400 * (at == 0.25)} for at in steps],
    }


def _figures() -> dict[str, Any]:
    return {
        "baseline": {"constant": _estimate(0.1), "logistic": _estimate(0.05)},
        "budget": {"model_bytes": 1 << 20, "trees": 7, "exceeded": []},
        "contract": {"rows": 100, "quarantined": 2, "reasons": {"weight: below 0": 2}},
        "leakage": {"single_feature_auc": {"colour": 0.6}},
        "slices": {"slices": [{"rows": 30, "slice": "shape=round", "excess_log_loss": -0.01}], "too_small": []},
    }


def _thresholds() -> dict[str, Any]:
    return {
        "baseline": {"metric": "log_loss", "min_gain": 0.0},
        "budget": {"max_model_mib": 4.0, "max_trees": 5, "max_single_row_ms": 2.0, "max_memory_mib": 64.0},
    }
