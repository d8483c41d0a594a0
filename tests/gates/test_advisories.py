"""Gate ``advisories``: a known vulnerability is red, and so is a source that learns us nothing, whatever it answers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.configuration import Gates
from slipway.gates import advisories
from slipway.gates.advisories import Advisory, Exemption, Scan, Thresholds
from slipway.gates.verdict import Verdict
from slipway.supply_chain import osv, scan
from tests.osv_server import CANARIES, Fault, Handler, OsvServer, record

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_PLANTED = record("numpy", "GHSA-test-numpy-0001", ["CVE-2026-99999"], "99.0")
_FOUND = Advisory("numpy", "2.4.6", "CVE-2026-99999", ("GHSA-test-numpy-0001",), ("99.0",))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits as long as a person would."""
    monkeypatch.setattr(osv, "SECONDS", 2.0)


def asked(folder: Path, url: str, limits: Gates) -> Verdict:
    """The verdict on what the source at ``url`` says of the release."""
    found = scan.scan(folder, url, limits.advisories)
    return advisories.judge(found, limits.advisories, found.finished)


@pytest.fixture(scope="module")
def clean(release_folder: Path, model_params: Any) -> Scan:
    """The real release's scan by a source that knows nothing against it."""
    with OsvServer() as source:
        found = scan.scan(release_folder, source.url, model_params.gates.advisories)
        assert set(source.asked) == {"/v1/querybatch", "/v1/query"}
        assert source.asked.count("/v1/query") == len(found.pins) > 20
    return found


def test_real_release_passes(clean: Scan, limits: Gates) -> None:
    verdict = advisories.judge(clean, limits.advisories, clean.finished)
    assert verdict.passed, verdict.reason
    assert verdict.figures["packages"] == len(clean.pins)


def test_fault_planted_advisory(release_folder: Path, limits: Gates) -> None:
    with OsvServer([*CANARIES, _PLANTED]) as source:
        verdict = asked(release_folder, source.url, limits)
    assert verdict.gate == "advisories"
    assert not verdict.passed
    (found,) = verdict.figures["advisories"]
    version = found["version"]
    names = {found["id"], *found["aliases"]}
    assert (found["package"], names, found["fixed"]) == (
        "numpy", {"GHSA-test-numpy-0001", "CVE-2026-99999"}, ("99.0",),
    )  # fmt: skip
    assert f"numpy {version} has CVE-2026-99999, GHSA-test-numpy-0001 (fixed in 99.0)." in verdict.reason


def test_an_advisory_against_another_version_is_green(release_folder: Path, limits: Gates) -> None:
    with OsvServer([*CANARIES, record("numpy", "GHSA-test-numpy-0001", fixed="1.0")]) as source:
        assert asked(release_folder, source.url, limits).passed


@pytest.mark.parametrize(
    "planted",
    [
        record("numpy", "GHSA-test-numpy-0001", schema_version="2.0.0"),
        record("numpy", "GHSA-test-numpy-0001", withdrawn="2026-11-02T00:00:00Z"),
    ],
    ids=["another schema", "withdrawn, and named all the same"],
)
def test_fault_advisory_that_pip_audit_passes_over(
    release_folder: Path, limits: Gates, planted: dict[str, Any]
) -> None:
    with OsvServer([*CANARIES, planted]) as source:
        verdict = asked(release_folder, source.url, limits)
    assert not verdict.passed
    assert "has GHSA-test-numpy-0001 (no fixed version is known)." in verdict.reason


# --- sources from which nothing is learnt -----------------------------------------------------------------------------


def _status(status: int) -> Fault:
    def fault(request: Handler) -> bool:
        request.reply({}, status)
        return True

    return fault


def _answers(content: bytes, length: int | None = None) -> Fault:
    def fault(request: Handler) -> bool:
        request.reply_bytes(content, length=length)
        return True

    return fault


def _redirects(request: Handler) -> bool:
    request.reply_bytes(b"", 307, Location=request.path)
    return True


def _sleeps(request: Handler) -> bool:
    time.sleep(3)
    return False


def _drips(request: Handler) -> bool:
    """A byte at a time, each well within a socket's own time limit."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(30):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.1)
    request.close_connection = True
    return True


def _endless(request: Handler) -> bool:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" " * (1 << 20))


def _batch(change: Any) -> Fault:
    """The right answer, changed."""

    def fault(request: Handler) -> bool:
        found = [request.known(query) for query in json.loads(request.body)["queries"]]
        request.reply({"results": change([{"vulns": entries} if entries else {} for entries in found])})
        return True

    return fault


_FAULTS: dict[str, tuple[Fault, str]] = {
    "500": (_status(500), "answered with HTTP status 500"),
    "404": (_status(404), "answered with HTTP status 404"),
    "204": (_status(204), "answered with HTTP status 204"),
    "redirects": (_redirects, "sends elsewhere (HTTP 307 to /v1/querybatch)"),
    "silent": (_sleeps, "did not answer within 2 seconds"),
    "drips": (_drips, "did not answer within 2 seconds"),
    "garbage": (_answers(b"<html>Sign in to the Wi-Fi</html>"), "is not JSON"),
    "empty": (_answers(b""), "answer is empty"),
    "cut JSON": (_answers(b'{"results": [{"vul'), "is not JSON"),
    "cut connection": (_answers(b'{"results": []}', length=999), "broke off"),
    "{}": (_answers(b"{}"), "holds no results"),
    "[]": (_answers(b"[]"), "holds no results"),
    "null": (_answers(b"null"), "holds no results"),
    "no list": (_answers(b'{"results": "none"}'), "no list of results"),
    "no results": (_answers(b'{"results": []}'), "gave 0 results to"),
    "knows nothing": (_batch(lambda found: [{} for _ in found]), "does not know GHSA-462w-v97r-4m45 of jinja2==2.4.1"),
    "knows half": (_batch(lambda found: [*found[:-1], {}]), "does not know GHSA-6757-jp84-gxfx of pyyaml==5.3"),
    "endless": (_endless, "answer is longer than 32 MiB"),
    "too few": (_batch(lambda found: found[:-1]), "results to"),
    "no objects": (_batch(lambda found: [None, *found[1:]]), "advisories without ids"),
    "no ids": (_batch(lambda found: [{"vulns": [{}]}, *found[1:]]), "advisories without ids"),
    "first page": (_batch(lambda found: [{"next_page_token": "x"}, *found[1:]]), "only its first page"),
}  # fmt: skip


@pytest.mark.parametrize("fault", _FAULTS)
def test_fault_source_that_answers_wrongly(release_folder: Path, limits: Gates, fault: str) -> None:
    answer, said = _FAULTS[fault]
    with OsvServer([*CANARIES, _PLANTED], {"/v1/querybatch": answer}) as source:
        verdict = asked(release_folder, source.url, limits)
    assert not verdict.passed
    assert verdict.reason.startswith(f"Nothing is known of advisories from {source.url}: ")
    assert said in verdict.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_status(503), "pip-audit failed: "),
        (_answers(b"<html>"), "pip-audit failed: "),
        (_answers(b'{"vulns'), "pip-audit failed: "),
        (_redirects, "pip-audit failed: requests.exceptions.TooManyRedirects"),
    ],
    ids=["503", "garbage", "cut", "redirects"],
)
def test_fault_source_that_breaks_while_pip_audit_asks(
    release_folder: Path, limits: Gates, answer: Fault, said: str
) -> None:
    with OsvServer(faults={"/v1/query": answer}) as source:
        verdict = asked(release_folder, source.url, limits)
    assert not verdict.passed
    assert said in verdict.reason


@pytest.mark.parametrize("empty", [b"{}", b"[]", b"null", b'{"vulns": []}'], ids=bytes.decode)
def test_fault_source_that_forgets_what_it_just_knew(release_folder: Path, limits: Gates, empty: bytes) -> None:
    with OsvServer([*CANARIES, _PLANTED], {"/v1/query": _answers(empty)}) as source:
        verdict = asked(release_folder, source.url, limits)
    assert not verdict.passed
    assert "numpy" in verdict.reason
    assert "GHSA-test-numpy-0001" in verdict.reason


def test_fault_no_source_at_all(release_folder: Path, limits: Gates) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    verdict = asked(release_folder, f"http://127.0.0.1:{port}", limits)
    assert not verdict.passed
    assert "the source cannot be reached" in verdict.reason
    assert "Connection refused" in verdict.reason


def test_fault_source_of_an_unknown_name(release_folder: Path, limits: Gates) -> None:
    verdict = asked(release_folder, "http://osv.invalid", limits)
    assert not verdict.passed
    assert "the source cannot be reached" in verdict.reason


# --- time and exemptions ----------------------------------------------------------------------------------------------


@pytest.fixture
def scanned() -> Iterator[Scan]:
    return Scan("https://osv.example.com", NOW - timedelta(seconds=3), NOW, ("numpy==2.4.6",))


def _limits(limits: Gates, **ignored: Exemption) -> Thresholds:
    return replace(limits.advisories, ignored={name.replace("_", "-"): entry for name, entry in ignored.items()})


def test_fault_scan_that_is_too_old(scanned: Scan, limits: Gates) -> None:
    days = timedelta(days=limits.advisories.max_age_days)
    assert advisories.judge(scanned, limits.advisories, NOW + days).passed
    late = advisories.judge(scanned, limits.advisories, NOW + days + timedelta(seconds=1))
    assert not late.passed
    assert f"at most {limits.advisories.max_age_days} are allowed" in late.reason


@pytest.mark.parametrize(
    ("started", "finished"),
    [(timedelta(hours=1), timedelta(hours=1)), (timedelta(0), -timedelta(hours=1))],
    ids=["in the future", "finished before it started"],
)
def test_fault_clock_that_is_far_off(scanned: Scan, limits: Gates, started: timedelta, finished: timedelta) -> None:
    verdict = advisories.judge(replace(scanned, started=NOW + started, finished=NOW + finished), limits.advisories, NOW)
    assert not verdict.passed
    assert "One of the clocks is wrong." in verdict.reason


def test_fault_nobody_was_asked_about(scanned: Scan, limits: Gates) -> None:
    verdict = advisories.judge(replace(scanned, pins=()), limits.advisories, NOW)
    assert not verdict.passed
    assert "no package was asked about" in verdict.reason


@pytest.mark.parametrize("name", ["CVE_2026_99999", "GHSA_test_numpy_0001"])
def test_an_exemption_holds_for_an_id_or_an_alias_until_its_last_day(scanned: Scan, limits: Gates, name: str) -> None:
    found = replace(scanned, advisories=(_FOUND,))
    exempt = _limits(limits, **{name: Exemption("we never call numpy.load", "2026-11-24")})
    verdict = advisories.judge(found, exempt, NOW)
    assert verdict.passed
    assert "(1 ignored, see params.yaml)" in verdict.reason
    assert verdict.figures["advisories"][0]["id"] == "CVE-2026-99999"


def test_fault_expired_exemption(scanned: Scan, limits: Gates) -> None:
    found = replace(scanned, advisories=(_FOUND,))
    exempt = _limits(limits, CVE_2026_99999=Exemption("we never call numpy.load", "2026-11-24"))
    verdict = advisories.judge(found, exempt, NOW + timedelta(days=1))
    assert not verdict.passed
    assert "was to be ignored until 2026-11-24 (we never call numpy.load)" in verdict.reason


def test_fault_exemption_of_another_advisory(scanned: Scan, limits: Gates) -> None:
    found = replace(scanned, advisories=(_FOUND, replace(_FOUND, id="CVE-2026-88888", aliases=())))
    exempt = _limits(limits, CVE_2026_99999=Exemption("we never call numpy.load", "2027-01-01"))
    verdict = advisories.judge(found, exempt, NOW)
    assert not verdict.passed
    assert "CVE-2026-88888" in verdict.reason
    assert "CVE-2026-99999" not in verdict.reason


def test_an_exemption_needs_a_real_day() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        Exemption("we never call numpy.load", "soon")
