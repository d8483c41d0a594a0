"""The command line: help with examples, exit codes, and JSON for machines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.clusters.processes import __main__ as command_line
from infra.clusters.processes import lifecycle
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.lifecycle import Cluster, Status
from infra.clusters.processes.programs import BUILT
from infra.clusters.processes.spec import PEOPLE_PORTS

CLUSTER = Cluster(
    "local", Path("/kubeconfig"), "slipway-local", "172.31.200.2", "http://r", PEOPLE_PORTS, Ranges.numbered(200)
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize("verb", ["up", "down", "stop", "start", "status"])
def test_each_verb_has_an_example(verb: str) -> None:
    assert f"processes {verb} --stack local" in " ".join(_run(verb, "--help").output.split())


def test_up_answers_with_the_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(lifecycle, "up", lambda *arguments, say: asked.append(arguments) or CLUSTER)
    for name in BUILT:
        (tmp_path / name).touch()
    done = _run("up", "--stack", "local", "--programs", str(tmp_path), "--first-port", "9000", "--json")
    assert json.loads(done.output)["registry_url"] == "http://r"
    ((stack, programs, ports),) = asked
    assert (stack, programs["etcd"]) == ("local", tmp_path / "etcd")
    assert ports == {9000 + i: 30080 + i for i in range(6)}


def test_people_are_told_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "start", lambda stack, say: CLUSTER)
    assert "export KUBECONFIG=/kubeconfig" in _run("start", "--stack", "local").output


def test_the_status_names_each_component(monkeypatch: pytest.MonkeyPatch) -> None:
    components = {"etcd": {"running": False, "ready": True, "restarts": 3}}
    monkeypatch.setattr(lifecycle, "status", lambda stack: Status("ready", components, CLUSTER))
    assert "etcd" in (text := _run("status", "--stack", "local").output)
    assert "not running, 3 restarts" in text
    assert json.loads(_run("status", "--stack", "local", "--json").output)["cluster"]["node_ip"] == "172.31.200.2"


def test_something_that_is_left_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "down", lambda stack, say: None)
    monkeypatch.setattr(lifecycle, "leftovers", lambda stack: ["link slipway-local"])
    assert "link slipway-local" in str(_run("down", "--stack", "local").exception)


@pytest.mark.parametrize(("stack", "code"), [("Not-A-Name", 2), ("none", 3)])
def test_known_errors_end_with_their_code_and_a_sentence(
    stack: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["processes", "stop", "--stack", stack])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == code
    assert "Traceback" not in capsys.readouterr().err


def test_our_own_fault_has_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(stack: str) -> Status:
        raise RuntimeError("a bug")

    monkeypatch.setattr(lifecycle, "status", fail)
    monkeypatch.setattr("sys.argv", ["processes", "status", "--stack", "local"])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    assert end.value.code == 4
    assert "a bug" in capsys.readouterr().err


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(command_line.app, list(arguments))
