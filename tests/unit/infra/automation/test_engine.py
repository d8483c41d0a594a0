from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra.automation import engine
from infra.errors import PlatformError, UsageError
from infra.paths import state_folder


def program_of(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder / name


def test_a_stack_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="There is no stack 'nothere'") as caught:
        engine.settings_file("nothere")
    assert "eks, existing, local" in caught.value.remedy


@pytest.mark.parametrize(("content", "told"), [("a: [", "is not YAML"), ("config: {slipway:x: 1}", "no such setting")])
def test_a_settings_file_that_cannot_be_used(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "Pulumi.test.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        engine.settings_of(path)


def test_the_users_own_pulumi_is_taken_when_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = program_of(tmp_path / "own", "pulumi", "echo v3.260.0")
    program_of(tmp_path / "own", engine.LAUNCHER, "")
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert engine.find_command() == own


@pytest.mark.parametrize("says", ["echo v3.100.0", "exit 1", "echo nonsense"])
def test_else_the_one_of_this_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    own = program_of(tmp_path / "own", "pulumi", says)
    program_of(tmp_path / "own", engine.LAUNCHER, "")
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    monkeypatch.setattr(engine, "_built", lambda: Path("/built/pulumi"))
    assert engine.find_command() == Path("/built/pulumi")


def test_without_a_launcher_of_dynamic_providers_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(engine, "_built", lambda: Path("/built/pulumi"))
    with pytest.raises(PlatformError, match=r"pulumi-resource-pulumi-python is not on PATH") as caught:
        engine.find_command()
    assert "https://www.pulumi.com/docs/install/" in caught.value.remedy


def test_what_the_user_has_set_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = engine.environment("test", Path("/x/pulumi"))
    assert ours["PULUMI_BACKEND_URL"] == f"file://{state_folder('test')}/pulumi"
    assert ours["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{state_folder('test')}/passphrase"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    theirs = engine.environment("test", Path("/x/pulumi"))
    assert theirs["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in theirs


@pytest.fixture
def command() -> Path:
    """The engine, where it is built already: no test builds it."""
    from infra.builds.components import components
    from infra.builds.executables import entry

    found = entry(components()["pulumi"])
    if not found.exists:
        pytest.skip("Pulumi's engine is not built yet: python -m infra.builds warm pulumi")
    return found.folder / "pulumi"


def program() -> None:
    """The smallest program with a secret."""
    pulumi.export("plain", pulumi.Config().require("greeting"))
    pulumi.export("secret", pulumi.Output.secret("s3cret-value"))


def test_a_real_engine_keeps_state_and_secrets_here(
    command: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))
    raw: dict[str, Any] = {"config": {"slipway:greeting": "hello"}}
    stack = engine.open_stack("test", raw, program, command)
    stack.up()
    outputs = stack.outputs()
    assert (outputs["plain"].value, outputs["secret"].value, outputs["secret"].secret) == (
        "hello",
        "s3cret-value",
        True,
    )

    salt = yaml.safe_load((state_folder("test") / "workspace" / "Pulumi.test.yaml").read_text())["encryptionsalt"]
    again = engine.open_stack("test", raw, program, command)
    assert dict(again.up().summary.resource_changes or {}) == {"same": 1}
    assert (
        yaml.safe_load((state_folder("test") / "workspace" / "Pulumi.test.yaml").read_text())["encryptionsalt"] == salt
    )

    assert stat.S_IMODE((state_folder("test") / "passphrase").stat().st_mode) == 0o600
    files = [path for path in (state_folder("test") / "pulumi").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if b"s3cret-value" in path.read_bytes()] == []


def test_what_a_killed_run_had_begun_is_forgotten() -> None:
    class Stack:
        cancelled = False
        imported: Any = None

        def cancel(self) -> None:
            self.cancelled = True

        def export_stack(self) -> Any:
            deployment = {"resources": [1], "pending_operations": [{"type": "creating"}]}
            return pulumi.automation.Deployment(version=3, deployment=deployment)

        def import_stack(self, state: Any) -> None:
            self.imported = state.deployment

    stack: Any = Stack()
    engine._forget_a_killed_run(stack)
    assert stack.cancelled
    assert stack.imported == {"resources": [1], "pending_operations": []}
