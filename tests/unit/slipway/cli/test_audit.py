"""``slipway audit``: shows the log, appends what was verified, and refuses a log that was tampered with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway import cli
from slipway.attestation.examine import Trusted, examine
from slipway.project import ModelPaths
from tests import attested
from tests.attested import WHO, Signed, commit_all
from tests.conftest import MODEL
from tests.unit.slipway.attestation.conftest import release, signed
from tests.unit.slipway.release.conftest import here, packable, params

__all__ = ["here", "packable", "params", "release", "signed"]

LOG = Path(f"gitops/audit/{MODEL}.jsonl")


@pytest.fixture(autouse=True)
def _ada(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHO.items():
        monkeypatch.setenv(name, value)


def _slipway(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def _append(monkeypatch: pytest.MonkeyPatch, signed: Signed, action: str = "promoted") -> int:
    named = ("--release", str(signed.release), "--key", str(signed.public))
    return _slipway(monkeypatch, "audit", MODEL, "--append", action, *named)


def test_who_promoted_what_on_which_evidence(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _append(monkeypatch, signed) == 0
    assert _append(monkeypatch, signed, "rejected") == 0
    capsys.readouterr()
    assert _slipway(monkeypatch, "audit", MODEL, "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["who"], first["action"], second["action"]) == ("Ada <ada@example.com>", "promoted", "rejected")
    assert first["release"] == signed.release.name
    assert (
        first["evidence"]
        == json.loads((signed.release / "manifest.json").read_text())["files"]["evidence.json"]["sha256"]
    )
    assert _slipway(monkeypatch, "audit", MODEL) == 0
    assert "2 entries, all chained" in capsys.readouterr().out


def test_what_does_not_verify_is_not_promoted(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signed.scan.unlink()
    assert _append(monkeypatch, signed) == 1
    assert "the release was never scanned" in capsys.readouterr().err
    assert _slipway(monkeypatch, "audit", MODEL, "--append", "promoted") == 2
    assert not LOG.exists()


def test_tampering_is_exit_3(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [_append(monkeypatch, signed) for _ in range(3)] == [0, 0, 0]
    commit_all(Path.cwd())
    whole = LOG.read_bytes()
    for tampered, said in (
        (whole.replace(b"Ada", b"Eve", 1), "does not begin with what Git's last commit has of it"),
        (b"".join(whole.splitlines(keepends=True)[:2]), "does not begin with what Git's last commit has of it"),
        (whole + whole.splitlines(keepends=True)[0], "Line 4 of"),
    ):
        LOG.write_bytes(tampered)
        capsys.readouterr()
        assert _slipway(monkeypatch, "audit", MODEL) == 3
        assert said in capsys.readouterr().err
        assert _append(monkeypatch, signed) == 3
        assert LOG.read_bytes() == tampered


def test_a_release_signed_since_tells_that_the_log_was_cut_off_even_in_git(
    here: ModelPaths, params: dict[str, Any], signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [_append(monkeypatch, signed) for _ in range(3)] == [0, 0, 0]
    commit_all(Path.cwd())
    again = attested.signed(signed.release, tmp_path / "later")
    trusted = Trusted(again.public, again.signature, datetime.now(UTC))
    assert examine(again.release, trusted).error is None
    LOG.write_bytes(b"".join(LOG.read_bytes().splitlines(keepends=True)[:2]))
    commit_all(Path.cwd())
    assert _slipway(monkeypatch, "audit", MODEL) == 0, "Git and the chain agree on the shorter log"
    found = examine(again.release, trusted)
    assert "has 2 entries, but had 3 when the release was signed" in str(found.error)
