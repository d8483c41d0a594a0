"""A monorepo of one's own with all that package takes, made of noise: 5 trees on 300 rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract, features, train
from slipway import evidence, gates
from slipway.configuration import ModelParams
from slipway.contracts.derivation import derive
from slipway.features import Table
from slipway.files import write_json
from slipway.gates.verdict import rounded
from slipway.project import ModelPaths
from slipway.release import card
from slipway.supply_chain import sbom
from tests.conftest import MODEL, ROOT
from tests.live_server import frame, rows

# What the model card reads of them.
FIGURES: dict[str, dict[str, Any]] = {
    "slices": {"too_small": ["carrier=HA"]},
    "calibration": {"bias": 0.02},
    "drift": {"power": {"turned": {"injected": 9, "noticed": 1, "required": False, "missed": ["wind 8 of 9"]}}},
    "challenger": {"gain": {"value": 0.0, "low": -0.1, "high": 0.1}},
    "budget": {"trees": 5, "model_bytes": 1234},
}


@pytest.fixture(scope="session")
def packable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not write in it; ``here`` is a copy."""
    top, paths = tmp_path_factory.mktemp("packable"), ModelPaths(MODEL)
    ignored = shutil.ignore_patterns("champion", "__pycache__")
    shutil.copytree(ROOT / paths.home, top / paths.home, ignore=ignored)
    shutil.copy(ROOT / "params.yaml", top)
    fields = derive(contract.RAW)
    raw = frame(fields, rows(fields, 300))
    for room in (paths.validated, paths.trained, paths.features, paths.drift, paths.study):
        (top / room).mkdir(parents=True)
    raw.write_parquet(top / paths.validated / "2013-12.parquet")
    state = features.fit(raw)
    write_json(top / paths.features / "state.json", state)
    label = np.arange(300).astype(np.int8) % 2
    booster = train.fit(np.column_stack(features.transform(Table(raw), state)), label, {"num_trees": 5, "seed": 1})
    (top / paths.trained / "model.txt").write_text(booster.model_to_string())
    source = {"package": "noise", "version": "1", "licence": "CC0-1.0", "files": {}}
    write_json(top / paths.provenance, source)
    write_json(top / paths.study / "study.json", {"judged": {}})
    write_json(top / paths.drift / "reading.json", {"weeks": []})
    _evaluated(top, paths, raw)
    write_json(top / paths.sbom, sbom.describe(ROOT / sbom.ENVIRONMENT))
    return top


def _evaluated(top: Path, paths: ModelPaths, raw: pl.DataFrame) -> None:
    """What evaluation and challenge would leave, with made-up figures."""
    for room in (paths.evaluation, paths.challenge):
        (top / room).mkdir(parents=True)
    labelled = raw.select(period=pl.lit("2013-12"), late=pl.int_range(pl.len()) % 2)
    for name in ("train_rows", "evaluation_rows"):
        labelled.write_parquet(top / paths.features / f"{name}.parquet")
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6}
    overall = dict.fromkeys(card.MEASURES, estimate)
    group = {"group": "9", "rows": 300, "rate": 0.5, "score": 0.5}
    cost = {"cost": 1, "cost_never_acting": 3, "cost_always_acting": 2, "saved": 1, "per_cases": 1000}
    metrics = {"overall": overall, "groups": {"hour": [{**group, "group": "10"}, group]}}
    write_json(top / paths.evaluation / "metrics.json", metrics | {"kpi": cost | {"threshold": 0.230769}})
    write_json(top / paths.evaluation / "importance.json", dict.fromkeys(features.NAMES, 1 / len(features.NAMES)))
    write_json(top / paths.challenge / "comparison.json", {"champion": "c" * 64, "rows": 300, **overall})


@pytest.fixture
def params(model_params: ModelParams) -> dict[str, Any]:
    """The parameters as package takes them."""
    return model_params.model_dump(mode="json")


@pytest.fixture
def here(packable: Path, params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPaths:
    """The model's paths in a copy that is the working folder, with green evidence."""
    top, paths = tmp_path / "here", ModelPaths(MODEL)
    shutil.copytree(packable, top)
    monkeypatch.chdir(top)
    monkeypatch.syspath_prepend(str(top))
    judge(paths, params)
    return paths


def judge(paths: ModelPaths, params: dict[str, Any]) -> None:
    """Leave green evidence on all that stands on disk."""
    for gate in gates.names():
        limits = rounded(params["gates"][gate])
        figures = FIGURES.get(gate, {})
        said = {"gate": gate, "passed": True, "reason": f"{gate} is | fine", "figures": figures, "thresholds": limits}
        write_json(paths.verdict(gate), said | {"subject": evidence.subject(paths)})
    write_json(paths.evidence, evidence.collect(gates.names(), paths))
