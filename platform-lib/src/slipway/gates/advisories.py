"""Gate ``advisories``: no known vulnerability in what the release runs on, by a scan that is whole and fresh.

Judged on a finished release, for time matters: advisories appear after the packaging. A scan that learnt nothing is
red: an empty answer is no good news.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar

from annotated_types import Interval, MinLen

from slipway.gates.verdict import Verdict

# How far two machines' clocks may differ.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Exemption:
    """Why an advisory does not count, and the last day on which it does not ("2026-12-31")."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    reason: Annotated[str, MinLen(10)]
    until: str

    def __post_init__(self) -> None:
        date.fromisoformat(self.until)


@dataclass(frozen=True)
class Thresholds:
    """What a scan must show.

    Attributes:
        max_age_days: how old a scan may be.
        canaries: for each pin of an old version ("name==version") an advisory that the source must know it by.
        ignored: for an advisory's id or alias, why it does not count, and until when.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_age_days: Annotated[int, Interval(gt=0, le=366)]
    canaries: Annotated[dict[str, str], MinLen(1)]
    ignored: dict[str, Exemption]


@dataclass(frozen=True)
class Advisory:
    """A known vulnerability of one pinned package.

    Attributes:
        package, version: what has it.
        id: as its source names it, e.g. "PYSEC-2021-142".
        aliases: its other names, e.g. "CVE-2020-14343".
        fixed: versions without it, oldest first; may be empty.
    """

    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """What an advisory source said of pinned packages.

    Attributes:
        source: the URL that was asked.
        started, finished: when, in UTC.
        pins: each package that was asked about, as "name==version".
        advisories: what is known of them.
        fault: why the answers count for nothing; empty if they count.
    """

    source: str
    started: datetime
    finished: datetime
    pins: tuple[str, ...]
    advisories: tuple[Advisory, ...] = ()
    fault: str = ""


def judge(scan: Scan, thresholds: Thresholds, now: datetime) -> Verdict:
    """Judge the scan at the time ``now``, which has a time zone."""
    counted = [found for found in scan.advisories if _exemption(found, thresholds) is None]
    complaints = [*_faults(scan, thresholds, now), *map(_sentence, counted), *_expired(scan, thresholds, now)]
    ignored = len(scan.advisories) - len(counted)
    beside = f" ({ignored} ignored, see params.yaml)" if ignored else ""
    return Verdict(
        gate="advisories",
        passed=not complaints,
        reason=" ".join(complaints)
        or f"{scan.source} knows nothing against the {len(scan.pins)} packages of the serving image{beside}.",
        figures={
            "source": scan.source,
            "started": _said(scan.started),
            "finished": _said(scan.finished),
            "packages": len(scan.pins),
            "advisories": [asdict(found) for found in scan.advisories],
            "fault": scan.fault,
        },
        thresholds=asdict(thresholds),
        observed={"age_days": (now - scan.finished) / timedelta(days=1)},
    )


def _faults(scan: Scan, thresholds: Thresholds, now: datetime) -> list[str]:
    """What makes the scan worthless, whatever it found."""
    if scan.fault:
        return [f"Nothing is known of advisories from {scan.source}: {scan.fault}"]
    if not scan.pins:
        return [f"Nothing is known of advisories from {scan.source}: no package was asked about."]
    if not scan.started <= scan.finished <= now + CLOCK_TOLERANCE:
        return [
            f"The scan's times cannot be: started {_said(scan.started)}, finished {_said(scan.finished)}, "
            f"and now it is {_said(now)}. One of the clocks is wrong."
        ]
    if now - scan.finished > timedelta(days=thresholds.max_age_days):
        days = (now - scan.finished) // timedelta(days=1)
        return [f"The scan is {days} days old; at most {thresholds.max_age_days} are allowed. Scan the release again."]
    return []


def _exemption(found: Advisory, thresholds: Thresholds) -> Exemption | None:
    entries = (thresholds.ignored.get(name) for name in (found.id, *found.aliases))
    return next((entry for entry in entries if entry is not None), None)


def _sentence(found: Advisory) -> str:
    fixed = f"fixed in {', '.join(found.fixed)}" if found.fixed else "no fixed version is known"
    return f"{found.package} {found.version} has {', '.join((found.id, *found.aliases))} ({fixed})."


def _expired(scan: Scan, thresholds: Thresholds, now: datetime) -> list[str]:
    expired = []
    for found in scan.advisories:
        entry = _exemption(found, thresholds)
        if entry is not None and now.astimezone(UTC).date() > date.fromisoformat(entry.until):
            expired.append(f"{_sentence(found)[:-1]}, which was to be ignored until {entry.until} ({entry.reason}).")
    return expired


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
