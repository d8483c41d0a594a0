"""Signing: what is written, and what is refused to be vouched for."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.attestation import provenance, source
from slipway.attestation.attest import attest
from slipway.errors import EnvironmentFault, UsageError
from slipway.evidence import EvidenceRefused
from slipway.project import ModelPaths
from slipway.release import keyring, signing
from slipway.release.dsse import ReleaseUntrusted
from tests.attested import Signed, git
from tests.conftest import MODEL


@pytest.fixture
def private(tmp_path: Path) -> Path:
    signing.new_keys(tmp_path / "k.pem")
    return tmp_path / "k.pem"


def _said(statement: Path) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(json.loads(statement.read_bytes())["payload"])))


def test_the_statement_says_what_the_release_was_made_of(signed: Signed, params: dict[str, Any]) -> None:
    said = _said(signed.statement)
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert said["subject"] == [{"name": MODEL, "digest": {"sha256": signed.release.name}}]
    build, run = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert build["externalParameters"] == {"model": MODEL, "params": params}
    by_name = {entry["name"]: entry["digest"] for entry in build["resolvedDependencies"]}
    assert by_name["source"] == {"gitCommit": git(Path.cwd(), "rev-parse", "HEAD")}
    assert "uv.lock" in by_name
    evidence = json.loads((signed.release / "evidence.json").read_text())["verdicts"]
    assert [entry["gate"] for entry in run["metadata"]["slipway_verdicts"]] == sorted(evidence)
    assert all(entry["passed"] for entry in run["metadata"]["slipway_verdicts"])
    assert run["builder"]["id"] == "urn:slipway:builder:workstation"


def test_what_is_read_is_what_was_written(signed: Signed) -> None:
    found = provenance.read(signed.statement, signed.release.name, keyring.load(signed.public))
    assert found.commit == source.find(signed.release, MODEL, Path.cwd()).name
    assert found.verdicts == provenance.verdicts(signed.release)
    assert abs(found.signed_on - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_builder_names_itself(release: Path, private: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLIPWAY_BUILDER", "https://ci.example.com/slipway")
    _, statement = attest(release, private, tmp_path / "x.sig", datetime.now(UTC))
    assert statement == tmp_path / "x.provenance.json"
    assert _said(statement)["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example.com/slipway"


def test_by_default_both_go_to_the_monorepo_s_signatures(release: Path, private: Path, here: ModelPaths) -> None:
    signature, statement = attest(release, private, None, datetime.now(UTC))
    assert signature == (here.signatures / f"{release.name}.sig").absolute()
    assert statement == (here.signatures / f"{release.name}.provenance.json").absolute()


def test_the_source_must_be_committed(release: Path, private: Path, tmp_path: Path) -> None:
    (release.parents[1] / "x").write_text("")
    git(Path.cwd(), "rm", "--quiet", "--cached", "dvc.lock")
    git(Path.cwd(), "commit", "--quiet", "--amend", "--message", "without")
    with pytest.raises(source.SourceUnknown):
        attest(release, private, tmp_path / "x.sig", datetime.now(UTC))
    assert not list(tmp_path.glob("x.*"))


def test_a_gate_of_today_that_the_release_lacks(
    release: Path, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slipway import gates

    names = gates.names()
    monkeypatch.setattr(gates, "names", lambda: [*names, "invented"])
    with pytest.raises(EvidenceRefused, match="The verdict of gate invented is missing"):
        attest(release, private, tmp_path / "x.sig", datetime.now(UTC))


def test_a_clock_behind_the_commit(release: Path, private: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"clock says .* which is before the release's source was committed"):
        attest(release, private, tmp_path / "x.sig", datetime.now(UTC) - timedelta(days=1))


def test_an_expired_key_signs_nothing_any_more(release: Path, private: Path, tmp_path: Path) -> None:
    keys = Path(signing.KEYRING)
    keys.mkdir(parents=True)
    (keys / "k.pem.pub").write_bytes(private.with_name("k.pem.pub").read_bytes())
    (keys / "keys.yaml").write_text("keys: [{file: k.pem.pub, not_after: 2020-01-01T00:00:00Z}]")
    with pytest.raises(ReleaseUntrusted, match=r"k\.pem\.pub expired on 2020-01-01T00:00:00Z and signed a release"):
        attest(release, private, tmp_path / "x.sig", datetime.now(UTC))
    assert not list(tmp_path.glob("x.*"))
    (keys / "keys.yaml").write_text("keys: []")
    attest(release, private, tmp_path / "x.sig", datetime.now(UTC))


def test_a_private_key_inside_the_monorepo(release: Path, private: Path, tmp_path: Path) -> None:
    inside = Path("gitops/k.pem")
    inside.parent.mkdir(exist_ok=True)
    inside.write_bytes(private.read_bytes())
    with pytest.raises(UsageError, match=r"gitops/k\.pem lies inside the monorepo .* might be committed"):
        attest(release, inside, tmp_path / "x.sig", datetime.now(UTC))
    with pytest.raises(UsageError, match="lies inside the monorepo"):
        signing.new_keys(Path("gitops/new.pem"))
    assert not Path("gitops/new.pem").exists()


def test_outside_a_monorepo(release: Path, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="A release is signed where it was made"):
        attest(release, private, tmp_path / "x.sig", datetime.now(UTC))


def test_the_development_key_is_made_once_outside_the_monorepo(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = signing.development_key()
    content = made.read_bytes()
    assert made == tmp_path / "config" / "slipway" / "development.pem"
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700
    assert signing.development_key().read_bytes() == content
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert signing.development_key() == tmp_path / "home" / ".config" / "slipway" / "development.pem"
