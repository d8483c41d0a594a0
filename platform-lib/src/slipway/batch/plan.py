"""The parts that the work is cut into, and what makes two runs the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.batch.inputs import Input
from slipway.files import canonical_json

SCHEMA = 1
# Half a second's work for two cores, and 25 MiB for 24 columns.
ROWS_PER_PART = 1 << 17


@dataclass(frozen=True)
class Part:
    """A run of rows of one file, scored and written as one.

    Attributes:
        number: its place among all parts, from 0.
        input: the file.
        offset: its first row in the file.
        rows: how many.
    """

    number: int
    input: Input
    offset: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """All that the output depends on.

    Attributes:
        release: the digest of the release.
        inputs: the files, in order.
        keep: columns to carry through.
        parts: what they are cut into.
    """

    release: str
    inputs: tuple[Input, ...]
    keep: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def record(self) -> dict[str, Any]:
        """JSON-ready; equal for two runs if and only if they give the same output."""
        return {
            "schema": SCHEMA,
            "release": self.release,
            "inputs": [{"path": str(each.path), "sha256": each.sha256} for each in self.inputs],
            "keep": list(self.keep),
            "rows_per_part": ROWS_PER_PART,
        }

    @property
    def digest(self) -> str:
        """Hex sha256 that names the run."""
        return hashlib.sha256(canonical_json(self.record())).hexdigest()


def make(release: str, inputs: Sequence[Input], keep: Sequence[str]) -> Plan:
    """Cut ``inputs`` into parts of at most ROWS_PER_PART rows; a file without rows gets none."""
    cuts = [(each, offset) for each in inputs for offset in range(0, each.rows, ROWS_PER_PART)]
    parts = (
        Part(number, each, offset, min(ROWS_PER_PART, each.rows - offset)) for number, (each, offset) in enumerate(cuts)
    )
    return Plan(release, tuple(inputs), tuple(keep), tuple(parts))


def differences(old: Any, new: dict[str, Any]) -> list[str]:
    """What tells the record of an earlier run from that of this one, as phrases."""
    if not isinstance(old, dict) or old.get("schema") != new["schema"]:
        return ["it was written by another version of Slipway"]
    found = []
    if old["release"] != new["release"]:
        found.append(f"it was scored by release {old['release'][:12]}, this is {new['release'][:12]}")
    before, now = ({each["path"]: each["sha256"] for each in record["inputs"]} for record in (old, new))
    found += [f"{path} has changed" for path in before if path in now and before[path] != now[path]]
    found += [f"{path} was not part of it" for path in now if path not in before]
    found += [f"{path} was part of it" for path in before if path not in now]
    if list(before) != list(now) and before.keys() == now.keys():
        found.append("the files were in another order")
    if old["keep"] != new["keep"]:
        found.append(f"it kept {', '.join(old['keep']) or 'no columns'}")
    return found or (["it was cut into other parts"] if old != new else [])
