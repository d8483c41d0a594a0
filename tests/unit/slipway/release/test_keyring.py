"""Whom we trust, and until when: rotation of keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault, UsageError
from slipway.release import keyring, signing
from slipway.release.dsse import ReleaseUntrusted

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
LISTING = """\
keys:
  - file: old.pem.pub
    not_before: 2026-01-01T00:00:00Z
    not_after: 2027-01-01T00:00:00Z
  - file: new.pem.pub
    not_before: 2026-12-01T00:00:00Z
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("old", "new"):
        signing.new_keys(tmp_path / "private" / f"{name}.pem").rename(tmp_path / f"{name}.pem.pub")
    (tmp_path / "keys.yaml").write_text(LISTING)
    return tmp_path


def test_one_key_has_no_period(folder: Path) -> None:
    (key,) = keyring.load(folder / "old.pem.pub")
    assert (key.not_before, key.not_after) == (None, None)
    keyring.check_period(key, datetime.min.replace(tzinfo=UTC), "it")
    keyring.check_period(key, datetime.max.replace(tzinfo=UTC), "it")


def test_rotation_each_key_signs_in_its_own_period(folder: Path) -> None:
    old, new = keyring.load(folder)
    assert (old.file, old.not_after, new.not_after) == (folder / "old.pem.pub", NEW_YEAR, None)
    keyring.check_period(old, NEW_YEAR - timedelta(seconds=1), "release x")
    with pytest.raises(
        ReleaseUntrusted, match=r"old\.pem\.pub expired on 2027-01-01T00:00:00Z and signed release x on 2027-01-01T00"
    ):
        keyring.check_period(old, NEW_YEAR, "release x")
    with pytest.raises(ReleaseUntrusted, match=r"new\.pem\.pub is valid from 2026-12-01T00:00:00Z and signed"):
        keyring.check_period(new, datetime(2026, 11, 30, tzinfo=UTC), "release x")
    keyring.check_period(new, NEW_YEAR + timedelta(days=9999), "release x")


def test_a_key_is_chosen_by_its_hint_and_an_unknown_one_refused(folder: Path) -> None:
    old, new = keyring.load(folder)
    assert keyring.choose((old, new), new.hint, Path("sig")) is new
    with pytest.raises(ReleaseUntrusted, match=r"sig was made with another key than .*new\.pem\.pub"):
        keyring.choose((new,), old.hint, Path("sig"))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "keys: {}",
        "keys: [old.pem.pub]",
        "keys: [{}]",
        "keys: [{file: 1}]",
        "keys: [{file: ../old.pem.pub}]",
        "keys: [{file: old.pem.pub, not_after: soon}]",
        "keys: [{file: old.pem.pub, not_after: 2027-01-01}]",
        "keys: [{file: old.pem.pub, notafter: 2027-01-01T00:00:00Z}]",
    ],
)
def test_a_listing_that_is_none(folder: Path, content: str) -> None:
    (folder / "keys.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"keys\.yaml does not list keys") as caught:
        keyring.load(folder)
    assert "2026-01-01T00:00:00Z" in caught.value.remedy


def test_a_time_without_a_zone_is_utc(folder: Path) -> None:
    (folder / "keys.yaml").write_text("keys: [{file: old.pem.pub, not_after: 2027-01-01T00:00:00}]")
    assert keyring.load(folder)[0].not_after == NEW_YEAR


def test_a_folder_without_a_listing_and_one_that_names_no_key(folder: Path) -> None:
    (folder / "keys.yaml").write_text("keys: [{file: gone.pem.pub}]")
    with pytest.raises(ReleaseUntrusted, match=r"gone\.pem\.pub cannot be read"):
        keyring.load(folder)
    (folder / "keys.yaml").unlink()
    with pytest.raises(EnvironmentFault, match=r"keys\.yaml cannot be read"):
        keyring.load(folder)
