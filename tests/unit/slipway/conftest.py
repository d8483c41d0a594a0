"""A key pair to sign with, as `slipway keygen` makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.release import keyring, signing


@pytest.fixture
def private(tmp_path: Path) -> Path:
    signing.new_keys(tmp_path / "key.pem")
    return tmp_path / "key.pem"


@pytest.fixture
def keys(private: Path) -> tuple[keyring.Key, ...]:
    return keyring.load(private.with_name("key.pem.pub"))
