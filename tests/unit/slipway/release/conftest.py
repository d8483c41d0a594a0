"""A monorepo of one's own with all that package takes, made of noise: 5 trees on 300 rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.flight_delay import contract, features, train
from slipway import evidence, gates
from slipway.configuration import ModelParams
from slipway.contracts.derivation import derive
from slipway.features import Table
from slipway.files import write_json
from slipway.gates.verdict import rounded
from slipway.project import ModelPaths
from tests.conftest import MODEL, ROOT
from tests.live_server import frame, rows


@pytest.fixture(scope="session")
def packable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not write in it; ``here`` is a copy."""
    top, paths = tmp_path_factory.mktemp("packable"), ModelPaths(MODEL)
    ignored = shutil.ignore_patterns("champion", "__pycache__")
    shutil.copytree(ROOT / paths.home, top / paths.home, ignore=ignored)
    shutil.copy(ROOT / "params.yaml", top)
    fields = derive(contract.RAW)
    raw = frame(fields, rows(fields, 300))
    for room in (paths.validated, paths.trained, paths.features, paths.drift):
        (top / room).mkdir(parents=True)
    raw.write_parquet(top / paths.validated / "2013-12.parquet")
    state = features.fit(raw)
    write_json(top / paths.features / "state.json", state)
    label = np.arange(300).astype(np.int8) % 2
    booster = train.fit(np.column_stack(features.transform(Table(raw), state)), label, {"num_trees": 5, "seed": 1})
    (top / paths.trained / "model.txt").write_text(booster.model_to_string())
    write_json(top / paths.provenance, {"package": "noise"})
    write_json(top / paths.drift / "reading.json", {"weeks": []})
    package = {"name": "noise", "version": "1.0", "purl": "pkg:pypi/noise@1.0", "hashes": [{"content": "0" * 64}]}
    write_json(top / paths.sbom, {"components": [package]})
    return top


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
    for gate in gates.names():
        limits = rounded(params["gates"][gate])
        said = {"gate": gate, "passed": True, "reason": "", "figures": {}, "thresholds": limits}
        write_json(paths.verdict(gate), said | {"subject": evidence.subject(paths)})
    write_json(paths.evidence, evidence.collect(gates.names(), paths))
    return paths
