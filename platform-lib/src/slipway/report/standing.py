"""Whether the verdicts make a release, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.files import read_json, sha256_file
from slipway.project import ModelPaths
from slipway.report.verdicts import Judgement


@dataclass(frozen=True)
class Standing:
    """Attributes:
    headline: where the model stands, as a sentence.
    good: whether nothing keeps it from being released.
    digest: the release that holds exactly these verdicts and this model, if there is one.
    """

    headline: str
    good: bool
    digest: str | None = None


def of(judgements: Sequence[Judgement], paths: ModelPaths) -> Standing:
    """The standing of the model on disk."""
    faults = [_fault(state, judgements) for state in ("red", "missing", "stale")]
    if any(faults):
        return Standing(f"Not packaged: {' and '.join(fault for fault in faults if fault)}.", False)
    for manifest in sorted(paths.releases.glob("*/manifest.json")):
        if _holds(manifest, paths):
            return Standing("Packaged: every gate is green.", True, manifest.parent.name)
    return Standing("Not packaged yet: every gate is green, so 'make repro' will package it.", True)


def _fault(state: str, judgements: Sequence[Judgement]) -> str:
    named = [entry.gate for entry in judgements if entry.state == state]
    if not named:
        return ""
    said = {"missing": "without a verdict"}.get(state, state)
    return f"gate {named[0]} is {said}" if len(named) == 1 else f"gates {', '.join(named)} are {said}"


def _holds(manifest: Path, paths: ModelPaths) -> bool:
    """Whether the release was packaged from the model and the evidence on disk."""
    files = read_json(manifest)["files"]
    expected = {"model.txt": paths.trained / "model.txt", "evidence.json": paths.evidence}
    return all(
        file.is_file() and files.get(name, {}).get("sha256") == sha256_file(file) for name, file in expected.items()
    )
