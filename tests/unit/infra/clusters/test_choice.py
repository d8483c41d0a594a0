from __future__ import annotations

import pytest

from infra.clusters import choice
from infra.clusters.choice import Machine
from infra.errors import PlatformError
from infra.settings import StackSettings

AUTO = StackSettings()


@pytest.mark.parametrize(
    ("machine", "provider", "reason"),
    [
        (Machine(("docker",), True, True, True), "kind", "docker runs here"),
        (Machine(("podman",), True, False, False), "kind", "podman runs here"),
        (Machine((), True, True, True), "processes", "no Docker or Podman answers"),
        (Machine(("docker",), False, True, True), "processes", "the kind CLI is not installed"),
    ],
)
def test_a_local_cluster_is_what_the_machine_can_run(machine: Machine, provider: str, reason: str) -> None:
    chosen = choice.choose(AUTO, machine)
    assert chosen.provider == provider
    assert reason in chosen.reason


@pytest.mark.parametrize(
    ("machine", "wanted"), [(Machine((), True, True, False), "root"), (Machine((), False, False, True), "Linux")]
)
def test_a_machine_that_can_run_none_is_told_why(machine: Machine, wanted: str) -> None:
    with pytest.raises(PlatformError, match=f"plain processes need {wanted}"):
        choice.choose(AUTO, machine)


def test_the_settings_have_the_last_word() -> None:
    assert choice.choose(StackSettings(provider="eks"), Machine((), False, False, False)).provider == "eks"


def test_a_stack_keeps_its_provider_when_the_machine_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "look", lambda: Machine(("docker",), True, True, True))
    choice.remember("test", "processes")
    assert choice.for_stack("test", AUTO).provider == "processes"
    assert choice.for_stack("other", AUTO).provider == "kind"


def test_another_provider_for_a_stack_that_runs_is_refused() -> None:
    choice.remember("test", "processes")
    with pytest.raises(PlatformError, match="runs on processes, and its settings now name kind"):
        choice.for_stack("test", StackSettings(provider="kind"))


def test_an_engine_that_is_installed_and_does_not_answer_does_not_count(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    for name, code in (("docker", 1), ("podman", 0)):
        (folder / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert choice.look().engines == ("podman",)
    assert not choice.look().has_kind
