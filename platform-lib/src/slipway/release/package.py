"""Making a release from what the pipeline left behind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl

from slipway import evidence, gates, project
from slipway.contracts import derivation, signature
from slipway.evaluation.kpi import Costs
from slipway.files import read_json, read_yaml, replacing, write_json
from slipway.project import ModelPaths
from slipway.release import card, manifest

MODULES = ("contract.py", "features.py")


def package(paths: ModelPaths, params: dict[str, Any]) -> str:
    """Write the release below ``paths.releases``, in a folder named by its digest, and return the digest.

    Nothing in it depends on when or where it is made: equal inputs give equal bytes.

    Raises:
        EvidenceRefused: when a verdict is missing, stale or red.
    """
    found = read_json(paths.evidence)
    evidence.check(found, {gate: params["gates"][gate] for gate in gates.names()}, evidence.subject(paths))
    threshold = Costs(**read_yaml(paths.home / "model.yaml")["kpi"]["costs"]).threshold()
    with replacing(paths.releases) as releases:
        folder = releases / "unnamed"
        (folder / "model").mkdir(parents=True)
        _copy(paths, folder)
        write_json(folder / "signature.json", signature.as_json(derivation.derive(_contract(paths).RAW)))
        write_json(folder / "decision.json", {"threshold": threshold})
        write_json(folder / "example.json", _example(paths))
        write_json(folder / "params.json", params)
        (folder / "card.md").write_text(card.generate(paths, params), encoding="utf-8")
        digest = manifest.write(folder, paths.name)
        folder.rename(releases / digest)
        manifest.verify(releases / digest)
    return digest


def _contract(paths: ModelPaths) -> Any:
    return project.module(paths.name, "contract")


def _copy(paths: ModelPaths, folder: Path) -> None:
    shutil.copyfile(paths.trained / "model.txt", folder / "model.txt")
    shutil.copyfile(paths.features / "state.json", folder / "state.json")
    shutil.copyfile(paths.evidence, folder / "evidence.json")
    shutil.copyfile(paths.provenance, folder / "provenance.json")
    shutil.copyfile(paths.home / "model.yaml", folder / "model.yaml")
    for name in MODULES:
        shutil.copyfile(paths.home / name, folder / "model" / name)
    shutil.copytree(paths.drift, folder / "drift")


def _example(paths: ModelPaths) -> dict[str, Any]:
    """A real request: the newest validated row that misses nothing, or else just the newest."""
    newest = max(paths.validated.glob("*.parquet"))
    fields = [field.name for field in derivation.derive(_contract(paths).RAW)]
    rows = pl.read_parquet(newest, columns=fields)
    whole = rows.drop_nulls()
    return (whole if whole.height else rows).row(-1, named=True)
