"""What proves a release to a reviewer: its own files, after they were verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.attestation.examine import Check
from slipway.drift.reading import Reading, from_json
from slipway.files import read_json
from slipway.release import card

_OVERALL = "Quantitative analyses"
_COST = "Metrics"


@dataclass(frozen=True)
class Moved:
    """One slice beside what it was for the champion.

    Attributes:
        name: of the slice, as carrier=AA.
        rows: that each was judged on: champion, challenger.
        excess: log loss above that of the slice's past rate: champion, challenger.
    """

    name: str
    rows: tuple[int, int]
    excess: tuple[float, float]

    @property
    def by(self) -> float:
        """How much worse the challenger serves it; less than 0 is better."""
        return self.excess[1] - self.excess[0]


@dataclass(frozen=True)
class Proof:
    """A verified release.

    Attributes:
        release: its digest.
        verdicts: the verdict of each gate, green all of them.
        measures: a Markdown table of quality, each figure with its interval and its change against the champion.
        cost: what decisions cost, in Markdown; empty where its card does not say.
        drift: what the drift stage measured; None for a release that is older than that.
        checks: what was examined about it.
    """

    release: str
    verdicts: Mapping[str, Mapping[str, Any]]
    measures: str
    cost: str
    drift: Reading | None = None
    checks: tuple[Check, ...] = ()

    @classmethod
    def read(cls, folder: Path, checks: tuple[Check, ...] = ()) -> Proof:
        """Read a release that was verified.

        Raises:
            EnvironmentFault: when a file is missing or broken, which one that verifies has not.
        """
        said = card.sections((folder / "card.md").read_text(encoding="utf-8"))
        reading = folder / "drift" / "reading.json"
        return cls(
            release=folder.name,
            verdicts=read_json(folder / "evidence.json")["verdicts"],
            measures=said.get(_OVERALL, "").partition("\n\n")[0].strip(),
            cost=said.get(_COST, ""),
            drift=from_json(read_json(reading)) if reading.is_file() else None,
            checks=checks,
        )

    def reason(self, gate: str) -> str:
        """The sentence of a gate's verdict; empty where the release is older than the gate."""
        return str(self.verdicts.get(gate, {}).get("reason", ""))

    @property
    def rows(self) -> int:
        """So many rows it was compared with the champion on; 0 without a champion."""
        return int(self.verdicts.get("challenger", {}).get("figures", {}).get("rows", 0)) if self.compared else 0

    @property
    def compared(self) -> str | None:
        """The release that it was compared with."""
        found = self.verdicts.get("challenger", {}).get("figures", {}).get("champion")
        return str(found) if found else None

    def moved(self, champion: Proof) -> list[Moved]:
        """The slices that both releases were judged on, those that moved most first."""
        was, now = champion._slices(), self._slices()
        found = [
            Moved(
                name,
                (was[name]["rows"], now[name]["rows"]),
                (was[name]["excess_log_loss"], now[name]["excess_log_loss"]),
            )
            for name in now
            if name in was
        ]
        return sorted(found, key=lambda each: (-abs(each.by), each.name))

    def _slices(self) -> dict[str, Any]:
        figures = self.verdicts.get("slices", {}).get("figures", {})
        return {entry["slice"]: entry for entry in figures.get("slices", ())}
