"""The base image's root file system."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.builds import debian
from infra.errors import PlatformError


def test_it_is_debian_12_with_the_packages_and_reproducible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], env: dict[str, str], **rest: object) -> subprocess.CompletedProcess[str]:
        calls.append((command, env))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    debian.bootstrap(["python3.11", "ca-certificates"], tmp_path / "rootfs.tar")
    command, environment = calls[0]
    assert "--include=python3.11,ca-certificates" in command
    assert command[-5:-3] == ["bookworm", str(tmp_path / "rootfs.tar")]
    assert any("debian-security bookworm-security" in source for source in command[-3:])
    assert environment["SOURCE_DATE_EPOCH"] == "0"


def test_what_went_wrong_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failed = subprocess.CompletedProcess([], 25, "", "E: apt-get update failed")
    monkeypatch.setattr(subprocess, "run", lambda *command, **rest: failed)
    with pytest.raises(PlatformError, match="apt-get update failed"):
        debian.bootstrap([], tmp_path / "rootfs.tar")
