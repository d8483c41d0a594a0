"""A signed scan: what is read is what was written, and judged anew by the time of now."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import UsageError
from slipway.gates.advisories import Advisory, Exemption, Scan, Thresholds
from slipway.release import keyring, signing, statement
from slipway.release.dsse import ReleaseUntrusted
from slipway.supply_chain import sbom, scan
from tests.osv_server import Handler, OsvServer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DIGEST = "5" * 64
FOUND = Advisory("numpy", "2.4.6", "CVE-2026-99999", ("GHSA-x",), ("2.4.7", "2.5.0"))
LIMITS = Thresholds(7, {"jinja2==2.4.1": "GHSA-462w-v97r-4m45"}, {})


@pytest.fixture
def folder(tmp_path: Path, release_folder: Path) -> Path:
    """As much of a release as a scan needs."""
    made = tmp_path / DIGEST
    made.mkdir()
    shutil.copy(release_folder / sbom.FILE, made)
    return made


@pytest.fixture
def clean(folder: Path) -> Scan:
    pins = tuple(str(pin) for pin in sbom.pins(folder))
    return Scan("https://osv.example.com", NOW - timedelta(seconds=3), NOW, pins)


def write(folder: Path, scanned: Scan, private: Path, limits: Thresholds = LIMITS) -> Path:
    target = folder.with_suffix(scan.SUFFIX)
    verdict = scan.write(target, ("flight_delay", DIGEST), scanned, limits, private)
    assert verdict.gate == "advisories"
    return target


def test_a_green_scan_is_green_when_it_is_read(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]
) -> None:
    file = write(folder, clean, private)
    assert scan.check(folder, file, keys, 7, NOW).passed
    assert not scan.check(folder, file, keys, 7, NOW + timedelta(days=8)).passed
    assert not scan.check(folder, file, keys, 7, NOW - timedelta(days=1)).passed
    assert scan.check(folder, file, keys, 30, NOW + timedelta(days=8)).passed


@pytest.mark.parametrize("change", [{"advisories": (FOUND,)}, {"fault": "the source's answer is empty."}])
def test_a_red_scan_is_written_and_stays_red(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...], change: dict[str, Any]
) -> None:
    verdict = scan.check(folder, write(folder, replace(clean, **change), private), keys, 7, NOW)
    assert not verdict.passed
    assert ("CVE-2026-99999" if "advisories" in change else "answer is empty") in verdict.reason


def test_an_exemption_that_ended_since_is_red(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]
) -> None:
    exempt = replace(LIMITS, ignored={"GHSA-x": Exemption("we never call it", "2026-11-25")})
    file = write(folder, replace(clean, advisories=(FOUND,)), private, exempt)
    assert scan.check(folder, file, keys, 7, NOW + timedelta(days=1)).passed
    assert not scan.check(folder, file, keys, 7, NOW + timedelta(days=2)).passed


def test_it_is_the_predicate_that_in_toto_describes(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]
) -> None:
    file = write(folder, replace(clean, advisories=(FOUND,)), private)
    said = statement.read(file, "https://in-toto.io/attestation/vulns/v0.2", DIGEST, keys).predicate
    assert said["scanner"]["uri"] == "https://github.com/pypa/pip-audit"
    assert said["scanner"]["db"]["uri"] == "https://osv.example.com"
    assert [entry["id"] for entry in said["scanner"]["result"]] == ["CVE-2026-99999"]
    for moment in (*said["metadata"].values(), said["scanner"]["db"]["lastUpdate"]):
        assert NOW - timedelta(seconds=3) <= datetime.fromisoformat(moment) <= NOW
    assert set(said["metadata"]) == {"scanStartedOn", "scanFinishedOn"}


def test_a_scan_of_another_release(folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]) -> None:
    other = folder.rename(folder.with_name("6" * 64))
    with pytest.raises(ReleaseUntrusted, match=f"is about release {DIGEST}, not {'6' * 64}"):
        scan.check(other, write(folder, clean, private), keys, 7, NOW)


def test_a_scan_of_other_packages(folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]) -> None:
    file = write(folder, replace(clean, pins=clean.pins[1:]), private)
    with pytest.raises(ReleaseUntrusted, match="speaks of other packages than the release's SBOM"):
        scan.check(folder, file, keys, 7, NOW)


def test_a_scan_by_a_key_out_of_its_period(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...]
) -> None:
    file = write(folder, clean, private)
    expired = replace(keys[0], not_after=NOW - timedelta(days=1))
    with pytest.raises(ReleaseUntrusted, match="expired on 2026-11-23"):
        scan.check(folder, file, [expired], 7, NOW)


def test_a_scan_by_a_stranger(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...], tmp_path: Path
) -> None:
    signing.new_keys(tmp_path / "other.pem")
    with pytest.raises(ReleaseUntrusted, match="was made with another key"):
        scan.check(folder, write(folder, clean, tmp_path / "other.pem"), keys, 7, NOW)


def test_no_scan(folder: Path, keys: tuple[keyring.Key, ...]) -> None:
    with pytest.raises(ReleaseUntrusted, match="cannot be read"):
        scan.check(folder, folder.with_suffix(".scan.json"), keys, 7, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"slipway_scan": None},
        {"metadata": {"scanStartedOn": "2026-11-24T12:00:00", "scanFinishedOn": "2026-11-24T12:00:00"}},
        {"metadata": {"scanStartedOn": "yesterday", "scanFinishedOn": "today"}},
        {"scanner": {"db": {"uri": "x"}, "result": [{}]}},
    ],
)
def test_a_signed_statement_that_is_no_scan_of_ours(
    folder: Path, clean: Scan, private: Path, keys: tuple[keyring.Key, ...], wrong: dict[str, Any]
) -> None:
    file = write(folder, clean, private)
    good = statement.read(file, scan.PREDICATE_TYPE, DIGEST, keys).predicate
    content = good | wrong if wrong else {}
    statement.write(file, scan.PREDICATE_TYPE, ("flight_delay", DIGEST), content, private)
    with pytest.raises(ReleaseUntrusted, match="does not hold a scan of `slipway scan`"):
        scan.check(folder, file, keys, 7, NOW)


@pytest.mark.parametrize("path", ["/v1/querybatch", "/v1/query"])
def test_a_password_in_the_address_is_told_to_nobody(folder: Path, path: str) -> None:
    def broken(request: Handler) -> bool:
        request.reply({}, 500)
        return True

    with OsvServer(faults={path: broken}) as source:
        found = scan.scan(folder, source.url.replace("//", "//robot:hush@"), LIMITS)
        assert found.source == source.url
    assert found.fault
    assert "hush" not in found.fault


@pytest.mark.parametrize("url", ["", "api.osv.dev", "file:///etc/passwd", "https://"])
def test_what_is_no_address(folder: Path, url: str) -> None:
    with pytest.raises(UsageError, match="is not the address of an advisory source"):
        scan.scan(folder, url, LIMITS)
