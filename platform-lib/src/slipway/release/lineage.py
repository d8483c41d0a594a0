"""Do the verdicts inside a release speak of the very files that it ships?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slipway import evidence, gates
from slipway.evaluation.kpi import Costs
from slipway.evidence import EvidenceRefused
from slipway.files import read_json, read_yaml

# A year of days, and more minutes than any clock may be off.
_MOST = 366
# What a subject calls each file that a release ships.
SHIPPED = {
    "model.txt": "model.txt",
    "state.json": "state.json",
    "sbom.json": "sbom.json",
    "study.json": "study.json",
    "model.yaml": "model.yaml",
    "contract.py": "model/contract.py",
    "features.py": "model/features.py",
}


def check(folder: Path, manifest: dict[str, Any], also: Iterable[str] = ()) -> list[str]:
    """Check that every gate is green and judged the files that the release holds, and that its threshold is theirs.

    The gates are those that there were when the release was made, which its parameters name: an old release does not
    become red because a new gate is invented.

    Args:
        folder: the release.
        manifest: its verified manifest.
        also: gates that must be green in any case.

    Returns:
        The names of the gates.

    Raises:
        EvidenceRefused: naming the gate and the file.
    """
    try:
        found = read_json(folder / "evidence.json")
        known = set(read_json(folder / "params.json")["gates"]) - set(gates.ATTESTED)
        if not known:
            raise EvidenceRefused(
                f"Release {folder.name[:12]} names no gate that judged it.",
                "Such a release was not made by `dvc repro`; do not use it.",
            )
        evidence.check_green(found, known | set(also))
        _check_subjects(found["verdicts"], manifest)
        _check_threshold(folder)
        return sorted(found["verdicts"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Whoever packages by Slipway cannot make such files; whoever forges a release can.
        raise EvidenceRefused(
            f"The evidence or the facts of release {folder.name[:12]} are not what Slipway writes: {error!r}.",
            "Such a release was not made by `dvc repro`; do not use it.",
        ) from error


def thresholds(folder: Path, gate: str) -> dict[str, Any]:
    """The thresholds of a gate that the release was made with: they are signed with it, and stand wherever it goes.

    Raises:
        EvidenceRefused: when the release is older than the gate.
    """
    content = read_json(folder / "params.json")
    blocks = content.get("gates") if isinstance(content, dict) else None
    limits = blocks.get(gate) if isinstance(blocks, dict) else None
    if not isinstance(limits, dict):
        raise EvidenceRefused(
            f"Release {folder.name[:12]} was made before there was a gate {gate}: it does not hold its thresholds.",
            "Make it anew: `dvc repro`.",
        )
    return limits


def limit(folder: Path, gate: str, name: str) -> int:
    """The threshold ``name`` of a gate (:func:`thresholds`), which is a whole number.

    Raises:
        EvidenceRefused: when it is none, or such a one that nothing could be beyond it.
    """
    found = thresholds(folder, gate).get(name)
    if type(found) is not int or not 0 <= found <= _MOST:
        raise EvidenceRefused(
            f"Release {folder.name[:12]} has {found!r} for gates.{gate}.{name}: no whole number up to {_MOST}.",
            "Such a release was not made by `dvc repro`; do not use it.",
        )
    return found


def _check_subjects(verdicts: dict[str, Any], manifest: dict[str, Any]) -> None:
    for gate, verdict in sorted(verdicts.items()):
        for name, digest in verdict["subject"].items():
            held = manifest["files"].get(SHIPPED.get(name))
            if name in SHIPPED and (held is None or held["sha256"] != digest):
                raise EvidenceRefused(
                    f"Gate {gate} judged another {SHIPPED[name]} than the release holds.",
                    "Such a release was not made by `dvc repro`; do not use it.",
                )


def _check_threshold(folder: Path) -> None:
    costs = read_yaml(folder / "model.yaml")["kpi"]["costs"]
    if read_json(folder / "decision.json") != {"threshold": Costs(**costs).threshold()}:
        raise EvidenceRefused(
            "The threshold in decision.json does not follow from the costs in model.yaml.",
            "Such a release was not made by `dvc repro`; do not use it.",
        )
