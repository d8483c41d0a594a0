"""The scan of a finished release for known vulnerabilities: made, signed, read again and judged anew.

It stands beside the release, for it is made after the release and again and again, while the release never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.errors import UsageError
from slipway.gates import advisories
from slipway.gates.advisories import Advisory, Exemption, Scan, Thresholds
from slipway.gates.verdict import Verdict
from slipway.progress import step
from slipway.release import statement
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.keyring import Key, check_period
from slipway.supply_chain import osv, pip_audit, sbom
from slipway.supply_chain.osv import SourceSilent
from slipway.supply_chain.sbom import Pin

SUFFIX = ".scan.json"
# Source: https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md
PREDICATE_TYPE = "https://in-toto.io/attestation/vulns/v0.2"
_SCANNER = "https://github.com/pypa/pip-audit"
# What the predicate has no field for.
_EXTENSION = "slipway_scan"


def scan(folder: Path, url: str, thresholds: Thresholds) -> Scan:
    """Ask the advisory source ``url`` about each package of the release's SBOM.

    What the source does wrong is not raised but told in the scan's ``fault``, which the gate judges.

    Raises:
        UsageError: when ``url`` is none of HTTP.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UsageError(f"{url!r} is not the address of an advisory source.", "Give one as https://api.osv.dev.")
    pins, started = sbom.pins(folder), datetime.now(UTC)
    # A user's name and password in the address are for the source alone.
    login, _, _ = urlsplit(url).netloc.rpartition("@")
    source = url.replace(f"{login}@", "") if login else url
    found: list[Advisory] = []
    fault = ""
    try:
        with step(f"asking {source} about {len(pins)} packages"):
            found = _ask(url.rstrip("/"), pins, thresholds)
    except SourceSilent as error:
        fault = error.what.replace(f"{login}@", "") if login else error.what
    return Scan(source, started, datetime.now(UTC), tuple(str(pin) for pin in pins), tuple(found), fault)


def _ask(url: str, pins: list[Pin], thresholds: Thresholds) -> list[Advisory]:
    """What pip-audit reports, and what the source names by itself where pip-audit passes over it."""
    known = osv.known(url, [str(pin) for pin in pins], thresholds.canaries)
    found = pip_audit.audit(url, pins)
    reported = {(entry.package, name) for entry in found for name in (entry.id, *entry.aliases)}
    passed_over = [
        Advisory(pin.name, pin.version, name)
        for pin in pins
        for name in known[str(pin)]
        if (pin.name, name) not in reported
    ]
    return [*found, *passed_over]


def write(target: Path, release: tuple[str, str], scanned: Scan, thresholds: Thresholds, private: Path) -> Verdict:
    """Judge the scan as it is made, and write it signed to ``target``, whatever the verdict.

    Args:
        target: its file.
        release: model and digest that was scanned.
        scanned: from :func:`scan`.
        thresholds: what it is judged by; they stand in the file too.
        private: PEM file of the elliptic-curve private key.

    Raises:
        UsageError: when the key is none that can sign.
    """
    verdict = advisories.judge(scanned, thresholds, scanned.finished)
    statement.write(target, PREDICATE_TYPE, release, _predicate(scanned, thresholds, verdict), private)
    return verdict


def check(folder: Path, file: Path, keys: Iterable[Key], max_age_days: int, now: datetime) -> Verdict:
    """Judge the scan in ``file`` anew, at the time ``now``.

    Args:
        folder: the release, named by its digest.
        file: where :func:`write` put the scan.
        keys: those trusted, from :func:`slipway.release.keyring.load`.
        max_age_days: how old the scan may be; what is ignored stands in the signed scan.
        now: with its time zone.

    Returns:
        Verdict of gate ``advisories``: red for a scan that is too old, knows an advisory, or learnt nothing.

    Raises:
        ReleaseUntrusted: naming what does not hold: no file, its signature, its key's period, its kind, its release.
    """
    read = statement.read(file, PREDICATE_TYPE, folder.resolve().name, keys)
    try:
        scanned, made_by = _from_predicate(read.predicate)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ReleaseUntrusted(f"{file} does not hold a scan of `slipway scan`.", "Scan the release again.") from error
    check_period(read.key, scanned.finished, f"the scan of release {read.release[:12]}")
    held = tuple(str(pin) for pin in sbom.pins(folder))
    if scanned.pins != held:
        raise ReleaseUntrusted(f"{file} speaks of other packages than the release's SBOM.", "Scan the release again.")
    return advisories.judge(scanned, Thresholds(max_age_days, made_by.canaries, made_by.ignored), now)


def _predicate(scanned: Scan, thresholds: Thresholds, verdict: Verdict) -> dict[str, Any]:
    return {
        "scanner": {
            "uri": _SCANNER,
            "version": metadata.version("pip-audit"),
            # A live service does not say when it was updated last; it answered by what it knew then.
            "db": {"uri": scanned.source, "lastUpdate": scanned.finished.isoformat()},
            "result": [_result(found) for found in scanned.advisories],
        },
        "metadata": {"scanStartedOn": scanned.started.isoformat(), "scanFinishedOn": scanned.finished.isoformat()},
        _EXTENSION: {
            "packages": list(scanned.pins),
            "fault": scanned.fault,
            "thresholds": asdict(thresholds),
            "verdict": verdict.as_evidence(),
        },
    }


def _result(found: Advisory) -> dict[str, Any]:
    told = {key: value for key, value in asdict(found).items() if key != "id"}
    return {"id": found.id, "severity": [], "annotations": [told]}


def _from_predicate(predicate: dict[str, Any]) -> tuple[Scan, Thresholds]:
    ours = predicate[_EXTENSION]
    times = predicate["metadata"]
    scanned = Scan(
        source=str(predicate["scanner"]["db"]["uri"]),
        started=_moment(times["scanStartedOn"]),
        finished=_moment(times["scanFinishedOn"]),
        pins=tuple(ours["packages"]),
        advisories=tuple(_advisory(entry) for entry in predicate["scanner"]["result"]),
        fault=str(ours["fault"]),
    )
    limits = ours["thresholds"]
    ignored = {name: Exemption(**entry) for name, entry in limits["ignored"].items()}
    return scanned, Thresholds(limits["max_age_days"], limits["canaries"], ignored)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment


def _advisory(entry: dict[str, Any]) -> Advisory:
    (told,) = entry["annotations"]
    return Advisory(told["package"], told["version"], entry["id"], tuple(told["aliases"]), tuple(told["fixed"]))
