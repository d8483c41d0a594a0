"""Components start in order, come back when they end, and stop in the reverse order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.processes import supervisor
from infra.clusters.processes.supervisor import Backoff

PROGRAM = """
import json, os, sys, time
from pathlib import Path
from infra.clusters.processes import supervisor
from infra.clusters.processes.supervisor import Component, NotReady, Supervisor

folder = Path(sys.argv[1])
supervisor.GATE_TIMEOUT = float(sys.argv[2])
supervisor.STOP_PATIENCE = 1.0

def work():
    print("working", flush=True)
    time.sleep(1000)

def report(states, phase):
    found = {s.component.name: [s.pid, s.restarts, s.ready] for s in states}
    (folder / "new").write_text(json.dumps({"phase": phase, "components": found}))
    (folder / "new").rename(folder / "status")
    with open(folder / "phases", "a") as file:
        print(phase, *(s.component.name for s in states if s.pid), file=file)

components = [
    Component("first", ("sh", "-c", "echo $COLOUR; sleep 0.2; touch %s/made; exec sleep 1000" % folder),
              (folder / "made").exists),
    Component("second", ("sh", "-c", "test -e %s/made && exec sleep 1000" % folder)),
    Component("third", work),
    Component("stubborn", ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")),
]
one = Supervisor(components, folder, {"PATH": os.environ["PATH"], "COLOUR": "green"}, report)
try:
    one.start()
    one.run()
except NotReady as error:
    print("not ready:", error)
one.stop(after={"second": lambda: print("after second", flush=True)})
"""


class Running:
    """A supervisor in a process of its own, since it reaps every child of its process."""

    def __init__(self, folder: Path, gate_timeout: float) -> None:
        self.folder = folder
        command = [sys.executable, "-c", PROGRAM, str(folder), str(gate_timeout)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    @property
    def status(self) -> dict[str, Any]:
        path = self.folder / "status"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"phase": "", "components": {}}
        return found

    def pid(self, component: str) -> int:
        pid: int = self.status["components"][component][0]
        return pid

    def wait(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not true():
            assert time.monotonic() < deadline, self.status
            time.sleep(0.02)

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path, gate_timeout=20)
    one.wait(lambda: one.status["phase"] == "ready")
    yield one
    if one.process.poll() is None:
        one.end()


def test_each_starts_when_the_one_before_it_is_ready(running: Running) -> None:
    phases = (running.folder / "phases").read_text().splitlines()
    assert phases[0] == "starting first"
    assert phases[-1] == "ready first second third stubborn"
    assert all(ready for _, _, ready in running.status["components"].values())


def test_a_killed_component_is_started_again(running: Running) -> None:
    for component in ("first", "third"):
        before = running.pid(component)
        os.kill(before, signal.SIGKILL)
        running.wait(lambda before=before, component=component: running.pid(component) not in (None, before))
        assert running.status["components"][component][1] == 1


def test_each_has_a_log_and_only_the_environment_that_it_is_given(running: Running) -> None:
    assert (running.folder / "first.log").read_text() == "green\n"
    assert (running.folder / "third.log").read_text() == "working\n"


def test_all_are_stopped_in_the_reverse_order_the_stubborn_one_too(running: Running) -> None:
    pids = [running.pid(component) for component in ("first", "second", "third", "stubborn")]
    output = running.end()
    assert "after second" in output
    assert running.process.returncode == 0
    assert running.status["phase"] == "stopped"
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    stopping = (running.folder / "phases").read_text().splitlines()[-2:]
    assert stopping == ["stopping first second third stubborn", "stopped"]


def test_the_dead_do_not_stay(running: Running) -> None:
    os.kill(running.pid("stubborn"), signal.SIGKILL)
    running.wait(lambda: running.status["components"]["stubborn"][1] == 1)
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    assert len(children) == 4


def test_one_that_does_not_become_ready_is_named(tmp_path: Path) -> None:
    one = Running(tmp_path, gate_timeout=0.05)
    output = one.process.communicate(timeout=20)[0]
    assert "not ready: first" in output
    assert one.status["phase"] == "stopped"


def test_the_delay_doubles_and_ends_at_the_longest() -> None:
    backoff = Backoff(first=1, longest=8, steady=60)
    assert [backoff.after(0.1) for _ in range(6)] == [1, 2, 4, 8, 8, 8]


def test_a_steady_while_begins_the_delays_anew() -> None:
    backoff = Backoff(first=1, longest=8, steady=60)
    assert [backoff.after(lived) for lived in (1, 1, 1, 60, 1)] == [1, 2, 4, 1, 2]


def test_a_long_log_is_put_aside_and_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LARGEST_LOG", 10)
    (tmp_path / "short.log").write_text("short")
    with open(tmp_path / "long.log", "a") as writer:
        writer.write("long " * 10)
        writer.flush()
        supervisor.put_long_logs_aside(tmp_path)
        writer.write("next")
    assert (tmp_path / "long.log").read_text() == "next"
    assert (tmp_path / "long.log.1").read_text() == "long " * 10
    assert (tmp_path / "short.log").read_text() == "short"
    assert not (tmp_path / "short.log.1").exists()
