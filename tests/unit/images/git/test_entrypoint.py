"""The start of the Git server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.images import scripts

entrypoint = scripts.load("images/git/entrypoint.py")


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the process becomes; its repositories are below the test's folder."""
    became: list[str] = []
    monkeypatch.setattr(entrypoint, "ROOT", tmp_path)
    monkeypatch.setattr(os, "execv", lambda program, arguments: became.append(program))
    monkeypatch.setenv("ARGOCD_WEBHOOK_URL", "http://argocd/api/webhook")
    return became


def config(repository: Path, key: str) -> str:
    command = ["git", "-C", repository, "config", key]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_both_repositories_are_made_with_their_hook(tmp_path: Path, server: list[str]) -> None:
    entrypoint.main()
    for name in ("platform", "upstream"):
        repository = tmp_path / f"{name}.git"
        assert config(repository, "core.bare") == "true"
        assert (repository / "hooks" / "post-receive").readlink() == entrypoint.HOOK
        assert config(repository, "slipway.repository") == f"http://git.slipway-git.svc.cluster.local/{name}"
        assert config(repository, "slipway.webhook") == "http://argocd/api/webhook"
    assert server == ["/usr/sbin/lighttpd"]


def test_a_second_start_keeps_what_is_there_and_takes_new_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrypoint.main()
    (tmp_path / "platform.git" / "refs" / "heads" / "main").write_text("0" * 40)
    monkeypatch.setenv("ARGOCD_WEBHOOK_URL", "http://elsewhere")
    entrypoint.main()
    assert (tmp_path / "platform.git" / "refs" / "heads" / "main").exists()
    assert config(tmp_path / "platform.git", "slipway.webhook") == "http://elsewhere"
