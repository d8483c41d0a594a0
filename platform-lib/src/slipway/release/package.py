"""Making a release from what the pipeline left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from slipway import evidence, gates, project
from slipway.contracts import derivation, signature
from slipway.errors import EnvironmentFault
from slipway.evaluation.kpi import Costs
from slipway.files import canonical_json, read_json, read_yaml, replacing
from slipway.project import ModelPaths
from slipway.release import card, manifest

MODULES = ("contract.py", "features.py")


Part = Path | bytes
"""What a file of a release is made of: a file that is copied, or its content."""


def package(paths: ModelPaths, params: dict[str, Any]) -> str:
    """Write the release below ``paths.releases``, in a folder named by its digest, and return the digest.

    Nothing in it depends on when or where it is made: equal inputs give equal bytes.

    Raises:
        EvidenceRefused: when a verdict is missing, stale or red.
    """
    found = read_json(paths.evidence)
    evidence.check(found, {gate: params["gates"][gate] for gate in gates.names()}, evidence.subject(paths))
    parts = judged_parts(paths, params) | proving_parts(paths, params)
    with replacing(paths.releases) as releases:
        folder = seal(parts, releases, paths.name)
        manifest.verify(folder)
    return folder.name


@contextmanager
def candidate(paths: ModelPaths, params: dict[str, Any]) -> Iterator[Path]:
    """A release in a scratch folder for gates to judge, as it will be packaged but for :func:`proving_parts`."""
    with tempfile.TemporaryDirectory(prefix="slipway-candidate-") as scratch:
        yield seal(judged_parts(paths, params), Path(scratch), paths.name)


def judged_parts(paths: ModelPaths, params: dict[str, Any]) -> dict[str, Part]:
    """The parts of a release, by name, that are known before the gates have judged it.

    Of the card that is what a person wrote. Gate ``policy`` must be green: it holds model.yaml to what is read here.
    """
    threshold = Costs(**read_yaml(paths.home / "model.yaml")["kpi"]["costs"]).threshold()
    made = {
        "signature.json": signature.as_json(derivation.derive(_contract(paths).RAW)),
        "decision.json": {"threshold": threshold},
        "example.json": _example(paths),
        "params.json": params,
    }
    copied = {
        "model.txt": paths.trained / "model.txt",
        "state.json": paths.features / "state.json",
        "provenance.json": paths.provenance,
        "sbom.json": paths.sbom,
        "study.json": paths.study / "study.json",
        **{name: paths.home / name for name in ("model.yaml", "card.md")},
        **{f"model/{name}": paths.home / name for name in MODULES},
        **{f"drift/{path.relative_to(paths.drift)}": path for path in _files(paths.drift)},
    }
    return {name: canonical_json(content) for name, content in made.items()} | copied


def proving_parts(paths: ModelPaths, params: dict[str, Any]) -> dict[str, Part]:
    """The parts of a release, by name, that exist only once every gate has judged it."""
    return {"evidence.json": paths.evidence, "card.md": card.generate(paths, params).encode()}


def seal(parts: Mapping[str, Part], room: Path, model: str) -> Path:
    """Write ``parts`` and their manifest into a new folder in ``room``, named by its digest, and return the folder."""
    folder = room / "unnamed"
    for name, part in parts.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(part, bytes):
            file.write_bytes(part)
        else:
            shutil.copyfile(part, file)
    return folder.rename(room / manifest.write(folder, model))


def _contract(paths: ModelPaths) -> Any:
    return project.module(paths.name, "contract")


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    if not found:
        raise EnvironmentFault(f"{folder} holds no files.", "Run `dvc repro` to make them.")
    return found


def _example(paths: ModelPaths) -> dict[str, Any]:
    """A real request: the newest validated row that misses nothing, or else just the newest."""
    newest = max(paths.validated.glob("*.parquet"))
    fields = [field.name for field in derivation.derive(_contract(paths).RAW)]
    rows = pl.read_parquet(newest, columns=fields)
    whole = rows.drop_nulls()
    return (whole if whole.height else rows).row(-1, named=True)
