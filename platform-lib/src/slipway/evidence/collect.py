"""From the verdict files to one evidence file, and the check that it is whole, fresh and green."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.errors import SlipwayError
from slipway.files import read_json
from slipway.gates.verdict import rounded
from slipway.project import ModelPaths

SCHEMA = 1
# These gates judge before there is a model; every other gate judges all that the subject names.
_DATA_ONLY = {"contract": {"validated"}, "volume": {"validated"}, "drift": {"validated"}}


class EvidenceRefused(SlipwayError):
    """A verdict is missing, stale or red."""

    exit_code = 1


def collect(gates: Iterable[str], paths: ModelPaths) -> dict[str, Any]:
    """The verdicts of all ``gates`` in one mapping, JSON-ready."""
    return {
        "schema": SCHEMA,
        "model": paths.name,
        "verdicts": {gate: read_json(paths.verdict(gate)) for gate in sorted(gates)},
    }


def check(evidence: Mapping[str, Any], thresholds: Mapping[str, Any], subject: Mapping[str, str]) -> None:
    """Refuse evidence that does not show every gate green on exactly this subject, by today's thresholds.

    Args:
        evidence: as :func:`collect` returns it.
        thresholds: of each gate that must be in it, as params.yaml has them.
        subject: sha256 of each thing that is about to be packaged.

    Raises:
        EvidenceRefused: naming the gate and what is wrong with its verdict.
    """
    check_green(evidence, thresholds)
    unknown = sorted(set(evidence["verdicts"]) - set(thresholds))
    if unknown:
        raise EvidenceRefused(
            f"The evidence holds verdicts of unknown gates: {', '.join(unknown)}.", "Run `dvc repro`."
        )
    for gate in sorted(thresholds):
        verdict = evidence["verdicts"][gate]
        _refuse_stale(gate, verdict.get("subject") or {}, subject)
        if verdict.get("thresholds") != rounded(thresholds[gate]):
            raise EvidenceRefused(
                f"The verdict of gate {gate} is stale: it was passed by other thresholds than params.yaml has now.",
                "Run `dvc repro`, which judges it anew.",
            )


def check_green(evidence: Mapping[str, Any], gates: Iterable[str]) -> None:
    """Refuse evidence in which the verdict of any of ``gates`` is missing or red."""
    if evidence.get("schema") != SCHEMA:
        raise EvidenceRefused(f"The evidence has schema {evidence.get('schema')!r}, not {SCHEMA}.", "Run `dvc repro`.")
    verdicts = evidence.get("verdicts") or {}
    for gate in sorted(gates):
        verdict = verdicts.get(gate)
        if verdict is None:
            raise EvidenceRefused(f"The verdict of gate {gate} is missing.", "Run `dvc repro`.")
        if verdict.get("gate") != gate or verdict.get("passed") is not True:
            raise EvidenceRefused(f"Gate {gate} is red: {verdict.get('reason')}", "Mend its cause and run `dvc repro`.")


def _refuse_stale(gate: str, judged: Mapping[str, str], subject: Mapping[str, str]) -> None:
    if not judged:
        raise EvidenceRefused(f"The verdict of gate {gate} does not say what it judged.", "Run `dvc repro`.")
    needed = judged.keys() | _DATA_ONLY.get(gate, subject.keys())
    # Files before the folders that hold them, so that the nearest thing is named.
    for name in sorted(needed, key=lambda name: ("." not in name, name)):
        if subject.get(name) != judged.get(name):
            raise EvidenceRefused(
                f"The verdict of gate {gate} is stale: it judged {name} with sha256 {judged.get(name)}, "
                f"but the one at hand has {subject.get(name)}.",
                "Run `dvc repro`, which judges it anew.",
            )
