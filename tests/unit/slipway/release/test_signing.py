"""Signing refuses what it must not sign; what it writes is tested in test_trust.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.release import manifest, signing
from slipway.release.manifest import ReleaseBroken


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "unnamed"
    folder.mkdir()
    (folder / "model.txt").write_text("trees")
    return folder.rename(tmp_path / manifest.write(folder, "flight_delay"))


def test_keys_are_never_overwritten(private: Path) -> None:
    before = private.read_bytes()
    with pytest.raises(UsageError, match=r"key\.pem exists"):
        signing.new_keys(private)
    private.rename(private.with_name("moved"))
    with pytest.raises(UsageError, match=r"key\.pem\.pub exists"):
        signing.new_keys(private)
    assert private.with_name("moved").read_bytes() == before


def test_a_broken_release_is_not_signed(release: Path, private: Path, tmp_path: Path) -> None:
    (release / "model.txt").write_text("other")
    with pytest.raises(ReleaseBroken):
        signing.sign(release, private, tmp_path / "sig")
    assert not (tmp_path / "sig").exists()


def test_a_release_stays_sealed(release: Path, private: Path) -> None:
    with pytest.raises(UsageError, match="sealed"):
        signing.sign(release, private, release / "sig")
    manifest.verify(release)


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_key_that_is_none(release: Path, tmp_path: Path, content: bytes | None) -> None:
    key = tmp_path / "bad.pem"
    if content is not None:
        key.write_bytes(content)
    with pytest.raises(UsageError, match=r"bad\.pem is not a private key") as caught:
        signing.sign(release, key, tmp_path / "sig")
    assert "slipway keygen" in caught.value.remedy


def test_a_public_key_cannot_sign(release: Path, private: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a private key"):
        signing.sign(release, private.with_name("key.pem.pub"), tmp_path / "sig")
