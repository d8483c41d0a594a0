"""All that is said of a release, held against it: what holds, what is refused, and what could not be judged."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.attestation import provenance
from slipway.attestation.examine import Examination, State, Trusted, examine
from slipway.attestation.source import SourceUnknown
from slipway.errors import GateRed, UsageError
from slipway.evidence import EvidenceRefused
from slipway.files import canonical_json
from slipway.gates.advisories import Advisory
from slipway.release import keyring, signing, statement
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.manifest import ReleaseBroken
from tests import attested
from tests.attested import Signed, commit_all
from tests.conftest import MODEL


def _states(found: Examination) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def _said(found: Examination, name: str) -> str:
    return next(check.said for check in found.checks if check.name == name)


def _trusted(signed: Signed, now: datetime | None = None) -> Trusted:
    return Trusted(signed.public, signed.signature, now or datetime.now(UTC))


def _examined(signed: Signed, now: datetime | None = None) -> Examination:
    return examine(signed.release, _trusted(signed, now))


def _restated(signed: Signed, change: Callable[[dict[str, Any]], object]) -> None:
    """The key's owner signs another statement."""
    (key,) = keyring.load(signed.public)
    said = statement.read(signed.statement, provenance.KIND, signed.release.name, (key,)).predicate
    change(said)
    statement.write(signed.statement, provenance.KIND, (MODEL, signed.release.name), said, signed.private)


def test_a_release_where_it_was_made(signed: Signed) -> None:
    found = _examined(signed)
    assert found.error is None
    assert found.verdict is not None
    assert found.verdict.passed
    held = {name for name, state in _states(found).items() if state == State.HOLDS}
    assert held >= {"manifest", "signature", "statement", "verdicts", "source commit", "provenance"}
    assert found.verdict.figures["named_by"] == dict.fromkeys(
        ("manifest", "signature", "statement", "source commit"), signed.release.name
    )


def test_a_copy_on_another_machine(signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = signed.copy(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = _examined(copy)
    assert found.error is None
    assert _states(found)["lineage"] == State.NOT_JUDGED
    assert _said(found, "lineage") == "this is no monorepo"


def test_without_a_key_nobody_is_believed_and_the_table_says_so(signed: Signed) -> None:
    found = examine(signed.release, Trusted())
    assert found.error is None
    assert found.verdict is None
    states = _states(found)
    assert (states["manifest"], states["verdicts"], states["signature"]) == ("holds", "holds", "not judged")
    with pytest.raises(UsageError, match="no key to check it with"):
        examine(signed.release, Trusted(signature=signed.signature))


def test_one_changed_byte(signed: Signed) -> None:
    (signed.release / "card.md").write_text("other")
    found = _examined(signed)
    assert isinstance(found.error, ReleaseBroken)
    assert "card.md has sha256" in found.error.what
    assert found.verdict is not None
    assert not found.verdict.passed


def test_every_check_runs_whatever_the_others_say(signed: Signed) -> None:
    signed.signature.unlink()
    signed.statement.unlink()
    found = _examined(signed)
    states = _states(found)
    assert [states[name] for name in ("manifest", "verdicts", "signature", "statement", "provenance")] == [
        "holds", "holds", "REFUSED", "REFUSED", "REFUSED",
    ]  # fmt: skip
    assert isinstance(found.error, ReleaseUntrusted)
    assert "The release has no signature" in found.error.what


def test_a_verdict_edited_and_everything_hashed_anew(signed: Signed) -> None:
    evidence = json.loads((signed.release / "evidence.json").read_text())
    evidence["verdicts"]["slices"]["reason"] = "all is well"
    forged = _rehashed(signed.release, "evidence.json", canonical_json(evidence))
    found = examine(forged, _trusted(signed))
    assert isinstance(found.error, ReleaseUntrusted)
    assert f"is the signature of release {signed.release.name}, not of {forged.name}" in found.error.what
    assert f"is about release {signed.release.name}, not {forged.name}" in _said(found, "statement")


def test_evidence_of_another_schema(signed: Signed) -> None:
    evidence = json.loads((signed.release / "evidence.json").read_text())
    forged = _rehashed(signed.release, "evidence.json", canonical_json(evidence | {"schema": 2}))
    found = examine(forged, Trusted())
    assert isinstance(found.error, EvidenceRefused)
    assert "The evidence has schema 2, not 1" in found.error.what


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b'{"schema": 1, "verdicts": []}', b"null", b"x", b"\xff", b"[" * 100_000]
)
@pytest.mark.parametrize("name", ["evidence.json", "params.json", "decision.json", "model.yaml", "sbom.json"])
def test_a_release_of_nonsense_is_refused_and_breaks_nothing(signed: Signed, name: str, content: bytes) -> None:
    forged = _rehashed(signed.release, name, content)
    found = examine(forged, _trusted(signed))
    assert found.error is not None
    assert _states(found)["provenance"] == State.REFUSED
    assert _states(found)["advisories" if name == "sbom.json" else "verdicts"] == State.REFUSED


@pytest.mark.parametrize("number", ["NaN", "1e999"])
def test_a_verdict_of_no_number_is_refused(signed: Signed, number: str) -> None:
    content = (
        (signed.release / "evidence.json").read_text().replace('"passed": true', f'"passed": true, "x": {number}', 1)
    )
    found = examine(_rehashed(signed.release, "evidence.json", content.encode()), _trusted(signed))
    assert "are not what Slipway writes: ValueError" in _said(found, "provenance")


@pytest.mark.parametrize("value", ["true", "-1", "367", "1e300", "null", '"x"'])
@pytest.mark.parametrize(
    ("gate", "name"), [("provenance", "clock_tolerance_minutes"), ("advisories", "max_age_days")], ids=["clock", "age"]
)
def test_thresholds_that_nothing_could_be_beyond(signed: Signed, gate: str, name: str, value: str) -> None:
    params = json.loads((signed.release / "params.json").read_text())
    params["gates"][gate][name] = json.loads(value)
    found = examine(_rehashed(signed.release, "params.json", canonical_json(params)), _trusted(signed))
    assert f"for gates.{gate}.{name}: no whole number" in _said(found, gate)


def test_a_release_that_no_gate_judged_is_refused_without_a_key_too(signed: Signed) -> None:
    params = json.loads((signed.release / "params.json").read_text())
    content = canonical_json(params | {"gates": {"advisories": {}, "provenance": {}}})
    found = examine(_rehashed(signed.release, "params.json", content), Trusted())
    assert isinstance(found.error, EvidenceRefused)
    assert "names no gate that judged it" in found.error.what


def _rehashed(release: Path, name: str, content: bytes) -> Path:
    """Change a file, and make manifest and name fit, as a forger would."""
    (release / name).write_bytes(content)
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (release / "manifest.json").write_bytes(canonical_json(manifest))
    return release.rename(release.parent / hashlib.sha256(canonical_json(manifest)).hexdigest())


def test_another_verdict_than_the_one_that_was_signed(signed: Signed) -> None:
    _restated(signed, lambda said: said["runDetails"]["metadata"]["slipway_verdicts"][0]["digest"].update(sha256="0"))
    found = _examined(signed)
    assert isinstance(found.error, GateRed)
    assert "The verdict of gate baseline is not the one that was signed" in found.error.what


def test_a_clock_far_off(signed: Signed) -> None:
    assert _examined(signed, datetime.now(UTC) - timedelta(minutes=3)).error is None
    found = _examined(signed, datetime.now(UTC) - timedelta(days=3))
    assert isinstance(found.error, GateRed)
    assert "3.0 days after the time of judging: a clock is wrong" in found.error.what


def test_old_releases_verify_by_their_key_s_period_and_expired_keys_vouch_for_nothing_new(
    signed: Signed, tmp_path: Path
) -> None:
    keys = tmp_path / "ring"
    keys.mkdir()
    (keys / "old.pem.pub").write_bytes(signed.public.read_bytes())
    signing.new_keys(tmp_path / "new.pem").rename(keys / "new.pem.pub")

    def ring(not_after: datetime) -> Trusted:
        listing = f"keys: [{{file: new.pem.pub}}, {{file: old.pem.pub, not_after: {not_after:%Y-%m-%dT%H:%M:%SZ}}}]"
        (keys / "keys.yaml").write_text(listing)
        return Trusted(keys, signed.signature, datetime.now(UTC) + timedelta(days=6))

    now = datetime.now(UTC)
    assert examine(signed.release, ring(now + timedelta(minutes=1))).error is None
    found = examine(signed.release, ring(now - timedelta(days=1)))
    assert isinstance(found.error, ReleaseUntrusted)
    assert "old.pem.pub expired on" in found.error.what
    (keys / "keys.yaml").write_text("keys: [{file: new.pem.pub}]")
    assert "was made with another key than" in str(examine(signed.release, Trusted(keys, signed.signature)).error)


def test_a_statement_dated_back_behind_its_own_source(signed: Signed) -> None:
    _restated(signed, lambda said: said["runDetails"]["metadata"].update(slipway_signedOn="2020-01-01T00:00:00Z"))
    found = _examined(signed)
    assert isinstance(found.error, ReleaseUntrusted)
    assert "it was dated back" in found.error.what


def test_a_statement_of_another_commit(signed: Signed) -> None:
    Path("dvc.lock").write_text("stages: {}")
    other = commit_all(Path.cwd())
    _restated(signed, lambda said: said["buildDefinition"]["resolvedDependencies"][0]["digest"].update(gitCommit=other))
    found = _examined(signed)
    assert isinstance(found.error, SourceUnknown)
    assert "names another content of releases/flight_delay" in found.error.what


def test_a_commit_that_the_clone_lacks(signed: Signed, tmp_path: Path) -> None:
    none = {"gitCommit": "1" * 40}
    _restated(signed, lambda said: said["buildDefinition"]["resolvedDependencies"][0].update(digest=none))
    found = _examined(signed)
    assert isinstance(found.error, SourceUnknown)
    assert f"was made of commit {'1' * 40}, says its statement, and this clone lacks it" in found.error.what
    elsewhere = _examined(signed.copy(tmp_path / "elsewhere"))
    assert elsewhere.error is None
    assert "made elsewhere" in _said(elsewhere, "lineage")


def test_a_scan_that_is_missing_stale_or_of_an_advisory_is_red(signed: Signed) -> None:
    assert _states(_examined(signed))["advisories"] == State.HOLDS
    old = _examined(signed, datetime.now(UTC) + timedelta(days=8))
    assert isinstance(old.error, GateRed)
    assert "Gate advisories is red: The scan is 8 days old; at most 7 are allowed" in old.error.what
    attested.scanned(signed, datetime.now(UTC), Advisory("noise", "1.0", "GHSA-1", (), ("1.1",)))
    assert "noise 1.0 has GHSA-1 (fixed in 1.1)" in str(_examined(signed).error)
    signed.scan.unlink()
    missing = _examined(signed)
    assert isinstance(missing.error, GateRed)
    assert "Gate advisories is red: the release was never scanned" in missing.error.what
    assert missing.verdict is not None
    assert missing.verdict.passed


def test_mlflow_must_name_the_release_where_it_was_made(signed: Signed) -> None:
    store = Path("mlflow/mlflow.db")
    store.parent.mkdir()
    with sqlite3.connect(store) as connection:
        connection.executescript(
            "CREATE TABLE model_versions (name, version, run_id);"
            "CREATE TABLE model_version_tags (name, version, key, value);"
            "CREATE TABLE tags (run_uuid, key, value);"
        )
    connection.close()
    found = _examined(signed)
    assert "MLflow has no version of flight_delay that names release" in str(found.error)
    assert found.verdict is not None
    assert found.verdict.figures["named_by"]["MLflow run"] is None
    assert not found.verdict.passed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda said: said["buildDefinition"].update(buildType="urn:slipway:dvc-repro:v9"),
            "a build of type urn:slipway",
        ),
        (lambda said: said["runDetails"].pop("metadata"), "does not say all that provenance must say: KeyError"),
        (lambda said: said["runDetails"]["metadata"].update(slipway_signedOn="soon"), "does not say all"),
        (lambda said: said.update(runDetails=[]), "does not say all"),
        (lambda said: said["buildDefinition"].update(resolvedDependencies=[]), "does not say all"),
    ],
)
def test_statements_that_say_too_little(signed: Signed, change: Callable[[dict[str, Any]], object], said: str) -> None:
    _restated(signed, change)
    found = _examined(signed)
    assert isinstance(found.error, ReleaseUntrusted)
    assert said in found.error.what


def test_the_signed_files_are_found_beside_the_release_and_below_signatures(signed: Signed) -> None:
    assert examine(signed.release, Trusted(signed.public)).error is None
    kept = Path("signatures") / MODEL
    kept.mkdir(parents=True)
    for file in (signed.signature, signed.statement, signed.scan):
        file.rename(kept / file.name)
    assert examine(signed.release, Trusted(signed.public)).error is None
    assert attested.git(Path.cwd(), "status", "--porcelain") == ""
