"""``slipway pack`` and ``slipway unpack``, with what is said of a release; and ``slipway tamper``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway import cli
from slipway.attestation.examine import Trusted, examine
from slipway.files import sha256_file
from tests.attested import Signed
from tests.unit.slipway.attestation.conftest import release, signed
from tests.unit.slipway.release.conftest import here, packable, params

__all__ = ["here", "packable", "params", "release", "signed"]


def _slipway(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_release_travels_with_what_is_said_of_it(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, to = tmp_path / "r.tar", tmp_path / "to"
    assert _slipway(monkeypatch, "pack", str(signed.release), "--to", str(file)) == 0
    assert capsys.readouterr().out.split() == [sha256_file(file), str(file)]
    assert _slipway(monkeypatch, "unpack", str(file), "--to", str(to), "--key", str(signed.public)) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder == to / signed.release.name
    monkeypatch.chdir(tmp_path)
    assert examine(folder, Trusted(signed.public)).error is None


def test_an_archive_of_another_key_is_exit_3_and_leaves_nothing(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, to, other = tmp_path / "r.tar", tmp_path / "to", tmp_path / "other.pem"
    assert _slipway(monkeypatch, "pack", str(signed.release), "--to", str(file)) == 0
    assert _slipway(monkeypatch, "keygen", str(other)) == 0
    assert _slipway(monkeypatch, "unpack", str(file), "--to", str(to), "--key", f"{other}.pub") == 3
    assert "was made with another key" in capsys.readouterr().err
    assert list(to.iterdir()) == []


def test_the_tampering_table(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _slipway(monkeypatch, "tamper", str(signed.release), "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 44
    assert all(row["refused"] and row["expected"] and row["exit_code"] for row in rows)
    assert _slipway(monkeypatch, "tamper", str(signed.release)) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == len(rows)
    assert all("  refused, exit " in line for line in shown)
    assert not any(len(word) == 64 for line in shown for word in line.split())


def test_a_forgery_that_gets_through_is_exit_1(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slipway.release import statement

    monkeypatch.setattr(statement.dsse, "verifies", lambda envelope, key: True)
    assert _slipway(monkeypatch, "tamper", str(signed.release)) == 1
    out, err = capsys.readouterr()
    assert "GOT THROUGH" in out
    assert "Not refused as meant: " in err
    assert "the statement edited" in err
