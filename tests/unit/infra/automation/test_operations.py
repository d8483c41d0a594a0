"""The verbs, with a provider and an engine of which every call is recorded."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest
from rich.console import Console
from typer.testing import CliRunner

from infra.automation import applications, cli, clone, engine, operations, record
from infra.automation.applications import Application
from infra.automation.operations import Request
from infra.clusters import choice
from infra.clusters.capabilities import ClusterStatus
from infra.errors import PlatformError, UsageError
from infra.paths import known_stacks, state_folder

OUTPUTS = {
    "kubeconfig": "apiVersion: v1",
    "registry": {"prefix": "p", "push_url": "u"},
    "git": {"url": "http://127.0.0.1:8082/platform.git", "upstream_url": "v", "user": "slipway", "password": "s3cret"},
    "canary": {"public_key": "ssh-ed25519 AAAA canary@slipway.internal"},
    "urls": {"gateway": "http://127.0.0.1:8080", "argocd": "http://127.0.0.1:8081"},
}


class World:
    """A provider and a stack in one, and the calls they got."""

    owns_cluster = True

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails: set[str] = set()
        self.workspace = self
        self.state: Any = "running"

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise auto.CommandError(auto.CommandResult(stdout="", stderr=f"{name} went wrong", code=255))

    def check(self, stack: str, settings: object) -> None:
        if "check" in self.fails:
            raise PlatformError("no root", "be root")
        self.calls.append("check")

    def status(self, stack: str) -> ClusterStatus:
        return ClusterStatus(self.state, "13 components run")

    def stop(self, stack: str) -> None:
        self._call("stop")

    def start(self, stack: str) -> None:
        self._call("start")

    def remove(self, stack: str) -> None:
        self._call("remove")

    def up(self, **arguments: Any) -> None:
        assert arguments["refresh"]
        self._call("up")

    def preview(self, **arguments: Any) -> None:
        self._call(f"preview refresh={arguments['refresh']}")

    def destroy(self, **_: Any) -> None:
        self._call("destroy")

    def remove_stack(self, name: str, force: bool = False) -> None:
        self._call("remove_stack")

    def outputs(self) -> dict[str, auto.OutputValue]:
        return {name: auto.OutputValue(value, secret=False) for name, value in OUTPUTS.items()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(operations.capabilities, "provider", lambda name: made)
    monkeypatch.setattr(choice, "look", lambda: choice.Machine((), False, True, True))
    monkeypatch.setattr(engine, "find_command", lambda: Path("/pulumi"))
    monkeypatch.setattr(applications, "read", lambda kubeconfig: {"slipway": Application("Synced", "Healthy", "")})

    def open_stack(stack: str, raw: object, program: object, command: Path) -> World:
        workspace = state_folder(stack) / "workspace"
        workspace.mkdir(parents=True, exist_ok=True)
        (workspace / f"Pulumi.{stack}.yaml").write_text("config: {}")
        return made

    monkeypatch.setattr(engine, "open_stack", open_stack)
    return made


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    import subprocess

    subprocess.run(["git", "init", "--quiet", "clone"], cwd=tmp_path, check=True)
    return Request("local", Console(file=io.StringIO()), clone=tmp_path / "clone")


def test_up_checks_runs_records_and_connects(world: World, request_: Request) -> None:
    outcome = operations.up(request_)
    assert world.calls == ["check", "up"]
    assert record.read("local") == outcome.platform
    assert clone.remote_url(request_.clone) == OUTPUTS["git"]["url"]
    assert choice.remembered("local") == "processes"


def test_a_machine_that_cannot_is_told_before_anything_is_made(world: World, request_: Request) -> None:
    world.fails.add("check")
    with pytest.raises(PlatformError, match="no root"):
        operations.up(request_)
    assert world.calls == []
    assert known_stacks() == []


def test_a_repository_without_an_account_is_told_before_anything_is_made(
    world: World, request_: Request, tmp_path: Path
) -> None:
    settings = tmp_path / "Pulumi.local.yaml"
    settings.write_text('config: {"slipway:gitops": {"repository": "https://forge.example/you/slipway.git"}}')
    with pytest.raises(UsageError, match="the canary loop has no account"):
        operations.up(replace(request_, settings_file=settings))
    assert world.calls == ["check"]
    assert known_stacks() == []


def test_up_starts_a_cluster_that_a_reboot_has_stopped(world: World, request_: Request) -> None:
    operations.up(request_)
    world.state = "stopped"
    operations.up(request_)
    assert world.calls[2:] == ["check", "start", "up"]


def test_up_begins_anew_where_the_cluster_has_gone(world: World, request_: Request) -> None:
    operations.up(request_)
    left = state_folder("local") / "pulumi" / "stacks.json"
    left.parent.mkdir()
    left.touch()
    operations.up(request_)
    assert left.exists()
    world.state = "absent"
    operations.up(request_)
    assert not left.exists()
    assert record.read("local")["stack"] == "local"


def test_a_failed_up_keeps_what_is_needed_to_go_on(world: World, request_: Request) -> None:
    world.fails.add("up")
    with pytest.raises(PlatformError, match="up went wrong"):
        operations.up(request_)
    assert choice.remembered("local") == "processes"
    world.fails.clear()
    operations.up(request_)


def test_a_remote_of_the_users_own_does_not_fail_the_platform(world: World, request_: Request) -> None:
    clone._git(request_.clone, "remote", "add", "platform", "https://example.com/x.git")
    assert "leads to https://example.com/x.git" in operations.up(request_).notes[0]


def test_down_leaves_nothing(world: World, request_: Request) -> None:
    operations.up(request_)
    operations.down(request_)
    assert world.calls[2:] == ["destroy", "remove_stack", "remove"]
    assert known_stacks() == []
    assert clone.remote_url(request_.clone) is None


def test_down_of_our_own_cluster_works_where_pulumi_fails(world: World, request_: Request) -> None:
    operations.up(request_)
    world.fails.add("destroy")
    operations.down(request_)
    assert world.calls[-1] == "remove"
    assert known_stacks() == []


def test_down_of_a_cluster_that_is_not_ours_fails_as_a_whole(world: World, request_: Request) -> None:
    operations.up(request_)
    world.fails.add("destroy")
    world.owns_cluster = False
    with pytest.raises(PlatformError, match="destroy went wrong"):
        operations.down(request_)
    assert "remove" not in world.calls
    assert known_stacks() == ["local"]


def test_down_after_a_crash_before_pulumi_had_begun(world: World, request_: Request) -> None:
    choice.remember("local", "processes")
    operations.down(request_)
    assert world.calls == ["remove"]
    assert known_stacks() == []


def test_down_can_keep_the_state(world: World, request_: Request) -> None:
    operations.up(request_)
    operations.down(request_, keep_state=True)
    assert known_stacks() == ["local"]


def test_preview_of_a_new_stack_leaves_nothing(world: World, request_: Request) -> None:
    operations.preview(request_, refresh=True)
    assert world.calls == ["check", "preview refresh=True"]
    assert known_stacks() == []


@pytest.mark.parametrize("verb", [operations.down, operations.stop, operations.start, operations.status])
def test_a_platform_that_is_not_here_is_told(world: World, request_: Request, verb: Any) -> None:
    with pytest.raises(UsageError, match="There is no platform 'local' on this machine"):
        verb(request_)
    assert world.calls == []


def test_stop_and_start_are_the_providers(world: World, request_: Request) -> None:
    operations.up(request_)
    operations.stop(request_)
    operations.start(request_)
    assert world.calls[2:] == ["stop", "start"]
    assert operations.status(request_)["cluster"] == "running"


def test_the_command_line_speaks_json(world: World, request_: Request) -> None:
    arguments = ["up", "--clone", str(request_.clone), "--json"]
    answer = CliRunner().invoke(cli.app, arguments)
    assert json.loads(answer.stdout)["urls"] == OUTPUTS["urls"]
    status = json.loads(CliRunner().invoke(cli.app, ["status", "--json"]).stdout)
    assert (status["cluster"], status["platform"]["stack"]) == ("running", "local")
    assert status["applications"]["slipway"]["health"] == "Healthy"
    waited = json.loads(CliRunner().invoke(cli.app, ["wait", "--json"]).stdout)
    assert waited["slipway"]["sync"] == "Synced"


def test_people_are_told_what_to_open_and_try(world: World, request_: Request) -> None:
    text = CliRunner().invoke(cli.app, ["up", "--clone", str(request_.clone)]).stdout
    for told in (
        "http://127.0.0.1:8081",
        "argocd-initial-admin-secret",
        "git push platform HEAD:main",
        "curl -s http://flight-delay.production.localhost:8080/",
    ):
        assert told in text
    assert "s3cret" not in text


def test_errors_have_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in ((["status", "--stack", "nothere"], 2), (["up", "--stack", "Bad"], 2)):
        monkeypatch.setattr("sys.argv", ["automation", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert caught.value.code == code
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("verb", ["up", "preview", "status", "wait", "down", "stop", "start", "environment"])
def test_each_verbs_help_has_an_example(verb: str) -> None:
    assert "Example:" in CliRunner().invoke(cli.app, [verb, "--help"]).stdout
