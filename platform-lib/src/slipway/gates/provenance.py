"""Gate ``provenance``: whoever speaks of a release names the same digest, and its verdicts are those that were signed.

It is judged on the finished release (``slipway verify``), for it takes a key, and the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

from annotated_types import Interval

from slipway.gates.verdict import Verdict

# Without these nothing is known; the others exist only in the monorepo that made the release.
REQUIRED = ("manifest", "signature", "statement")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Thresholds:
    """How far ahead of the judge's clock the signer's may have been."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    clock_tolerance_minutes: Annotated[int, Interval(ge=0, le=60)]


@dataclass(frozen=True)
class Witness:
    """Something that names a release: its manifest, a signature, a record.

    Attributes:
        name: what it is.
        release: the digest that it names; None if it names none.
        refused: why it is not believed, as a sentence; empty if it is.
    """

    name: str
    release: str | None
    refused: str = ""


@dataclass(frozen=True)
class Findings:
    """What was found about one release.

    Attributes:
        release: the digest that it goes by.
        witnesses: whoever could be asked.
        signed: digest of each verdict, by gate, as the statement has it.
        held: the same, as the release has it.
        signed_on: when the statement was signed, by its signer's clock; None if there is none to believe.
        now: the judge's time.
    """

    release: str
    witnesses: Sequence[Witness]
    signed: Mapping[str, str]
    held: Mapping[str, str]
    signed_on: datetime | None
    now: datetime


def judge(findings: Findings, thresholds: Thresholds) -> Verdict:
    """Green if every required witness was asked, all are believed and name this release, and nothing else is amiss."""
    complaints = [*_of_witnesses(findings), *_of_verdicts(findings), *_of_clock(findings, thresholds)]
    named = {witness.name: witness.release for witness in findings.witnesses}
    agreed = f"{', '.join(named)} name release {findings.release[:12]}, and its verdicts are those that were signed."
    return Verdict(
        gate="provenance",
        passed=not complaints,
        reason=" ".join(complaints) or agreed,
        figures={
            "release": findings.release,
            "named_by": named,
            "verdicts": len(findings.signed),
            "signed_on": findings.signed_on and findings.signed_on.strftime(_TIME),
            "judged_at": findings.now.strftime(_TIME),
            "complaints": complaints,
        },
        thresholds=asdict(thresholds),
    )


def _of_witnesses(findings: Findings) -> Iterator[str]:
    asked = {witness.name for witness in findings.witnesses}
    for name in REQUIRED:
        if name not in asked:
            yield f"The {name} was not judged."
    for witness in findings.witnesses:
        if witness.refused:
            yield witness.refused
        elif witness.release != findings.release:
            named = f"release {witness.release}" if witness.release else "no release"
            yield f"The {witness.name} names {named}, not {findings.release}."


def _of_verdicts(findings: Findings) -> Iterator[str]:
    if findings.signed_on is None:
        return
    if not findings.signed:
        yield "The statement holds no verdict."
    for gate in sorted(findings.signed.keys() | findings.held.keys()):
        if gate not in findings.held:
            yield f"The verdict of gate {gate} was signed, but the release does not hold it."
        elif gate not in findings.signed:
            yield f"The release holds a verdict of gate {gate} that was not signed."
        elif findings.signed[gate] != findings.held[gate]:
            yield f"The verdict of gate {gate} is not the one that was signed."


def _of_clock(findings: Findings, thresholds: Thresholds) -> Iterator[str]:
    if findings.signed_on is None:
        return
    ahead = findings.signed_on - findings.now
    if ahead > timedelta(minutes=thresholds.clock_tolerance_minutes):
        yield (
            f"The statement was signed on {findings.signed_on.astimezone(UTC):{_TIME}}, {_length(ahead)} after the "
            "time of judging: a clock is wrong, here or where it was signed."
        )


def _length(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
