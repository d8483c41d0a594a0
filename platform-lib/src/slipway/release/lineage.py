"""Do the verdicts inside a release speak of the very files that it ships?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slipway import evidence, gates
from slipway.evaluation.kpi import Costs
from slipway.evidence import EvidenceRefused
from slipway.files import read_json, read_yaml

# What a subject calls each file that a release ships.
SHIPPED = {
    "model.txt": "model.txt",
    "state.json": "state.json",
    "study.json": "study.json",
    "model.yaml": "model.yaml",
    "contract.py": "model/contract.py",
    "features.py": "model/features.py",
}


def check(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Check that every gate is green and judged the files that the release holds, and that its threshold is theirs.

    Args:
        folder: the release.
        manifest: its verified manifest.

    Returns:
        The names of the gates.

    Raises:
        EvidenceRefused: naming the gate and the file.
    """
    found = read_json(folder / "evidence.json")
    evidence.check_green(found, gates.names())
    for gate, verdict in sorted(found["verdicts"].items()):
        for name, digest in verdict["subject"].items():
            held = manifest["files"].get(SHIPPED.get(name))
            if name in SHIPPED and (held is None or held["sha256"] != digest):
                raise EvidenceRefused(
                    f"Gate {gate} judged another {SHIPPED[name]} than the release holds.",
                    "Such a release was not made by `dvc repro`; do not use it.",
                )
    _check_threshold(folder)
    return sorted(found["verdicts"])


def _check_threshold(folder: Path) -> None:
    costs = read_yaml(folder / "model.yaml")["kpi"]["costs"]
    if read_json(folder / "decision.json") != {"threshold": Costs(**costs).threshold()}:
        raise EvidenceRefused(
            "The threshold in decision.json does not follow from the costs in model.yaml.",
            "Such a release was not made by `dvc repro`; do not use it.",
        )
