"""Each gate's verdict as it stands on disk, held against what is on disk now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from slipway import gates
from slipway.evidence.subject import subject
from slipway.files import read_json
from slipway.project import ModelPaths

State = Literal["red", "missing", "stale", "green"]
_WORST_FIRST: tuple[State, ...] = ("red", "missing", "stale", "green")


@dataclass(frozen=True)
class Judgement:
    """One gate's verdict.

    Attributes:
        gate: the gate's name.
        state: ``stale`` is a verdict, green or not, on other data or another model than those on disk.
        reason: the verdict's own sentence, or why there is none.
        figures, thresholds: as in :class:`slipway.gates.verdict.Verdict`.
    """

    gate: str
    state: State
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)


def read(paths: ModelPaths) -> list[Judgement]:
    """The judgement of every gate, those that are not green first."""
    present = subject(paths)
    found = [_judgement(gate, paths, present) for gate in gates.names()]
    return sorted(found, key=lambda entry: (_WORST_FIRST.index(entry.state), entry.gate))


def _judgement(gate: str, paths: ModelPaths, present: Mapping[str, str]) -> Judgement:
    file = paths.verdict(gate)
    if not file.is_file():
        return Judgement(gate, "missing", f"{file} does not exist: the gate has not judged this model.")
    verdict = read_json(file)
    judged = verdict.get("subject") or {}
    fresh = bool(judged) and all(present.get(name) == digest for name, digest in judged.items())
    state: State = "stale" if not fresh else "green" if verdict["passed"] is True else "red"
    return Judgement(gate, state, verdict["reason"], verdict["figures"], verdict["thresholds"])
