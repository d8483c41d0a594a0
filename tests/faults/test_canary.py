"""The canary loop as a process: killed anywhere, two at once, its remote away, and told to end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slipway.canary import history
from slipway.canary.notes import NOTES
from slipway.rendering import render
from tests.conftest import MODEL, ROOT
from tests.fake_prometheus import Pod
from tests.toy_platform import PUBLISHED, git
from tests.unit.slipway.canary.conftest import CHALLENGER, record
from tests.unit.slipway.canary.world import NEW, OLD, World, world

PATIENCE = 60.0


@dataclass
class Process:
    """A running loop.

    Attributes:
        log: the file that it writes to.
    """

    popen: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    @property
    def url(self) -> str:
        """Of its metrics, once it listens."""
        said = wait(lambda: [line for line in self.lines() if str(line["message"]).startswith("listens on port")])
        return f"http://127.0.0.1:{str(said[0]['message']).rsplit(' ', 1)[-1]}"

    def leads(self) -> bool:
        return any(line["message"] == "leads from now on" for line in self.lines())


@dataclass
class Machine:
    """Where loops run, on the machine's own clock."""

    world: World
    folder: Path
    processes: list[Process] = field(default_factory=list)

    def environment(self, kill: int | None = None) -> dict[str, str]:
        room = self.folder / "packages"
        room.mkdir(exist_ok=True)
        shutil.copyfile(Path(__file__).with_name("canary_killer.py"), room / "sitecustomize.py")
        found = {**os.environ, "PYTHONPATH": str(room), "TMPDIR": str(self.folder / "tmp")}
        found |= {"SLIPWAY_PROMETHEUS": self.world.prometheus.url, "SLIPWAY_GIT_URL": str(self.world.toy.platform.bare)}
        (self.folder / "tmp").mkdir(exist_ok=True)
        return found | ({"SLIPWAY_KILL": str(kill)} if kill is not None else {})

    def start(self, name: str, kill: int | None = None) -> Process:
        """Start a loop with a clone of its own."""
        log = self.folder / f"{name}.log"
        command = [
            "slipway", "canary", "--clone", str(self.folder / name / "clone.git"), "--seconds", "0.2",
            "--kubeconfig", str(self.folder / "kubeconfig"), "--metrics-port", "0",
        ]  # fmt: skip
        with log.open("ab") as stream:
            popen = subprocess.Popen(command, env=self.environment(kill), stderr=stream, start_new_session=True)
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    def once(self, *options: str, kill: int | None = None) -> subprocess.CompletedProcess[str]:
        """Look once from the clone."""
        command = ["slipway", "canary", "--once", "--kubeconfig", str(self.folder / "kubeconfig"), *options]
        return subprocess.run(
            command, cwd=self.world.toy.platform.top, env=self.environment(kill), capture_output=True, text=True,
            start_new_session=True, check=False,
        )  # fmt: skip

    def challenge(self, weight: int, errors: float = 0.0) -> str:
        """Have a challenger that began, and was ready, a minute ago."""
        now = int(time.time())
        self.world.kubernetes.run("production", NEW, 2, now - 50)
        self.world.prometheus.pods = [Pod(OLD, "old", now - 1000), Pod(NEW, "new", now - 59, rate=50, errors=errors)]
        return self.world.toy.commit(record(weight), "a challenger", now - 60)

    def stop(self, process: Process, number: int = signal.SIGKILL) -> float:
        """Signal it; the seconds that it took to end."""
        begun = time.monotonic()
        process.popen.send_signal(number)
        process.popen.wait(PATIENCE)
        return time.monotonic() - begun


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with world(tmp_path) as made:
        made.prometheus.clock = time.time
        found = Machine(made, tmp_path)
        try:
            yield found
        finally:
            for process in found.processes:
                if process.popen.poll() is None:
                    found.stop(process)


def wait(of: Callable[[], object], seconds: float = PATIENCE) -> list[object] | object:
    """What ``of`` gives once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = of()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def answer(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def noted(machine: Machine, commit: str) -> str:
    """What stands beside a commit in the remote's notes."""
    bare = machine.world.toy.platform.bare
    done = subprocess.run(
        ["git", "notes", f"--ref={NOTES}", "show", commit], cwd=bare, capture_output=True, text=True, check=False
    )
    return done.stdout


def committed(running: Process) -> list[tuple[object, object]]:
    """Action and release of each commit that it says it has made."""
    return [(line["action"], line["release"]) for line in running.lines() if "commit" in line]


def test_it_goes_all_the_way_and_ends_when_told(machine: Machine) -> None:
    machine.challenge(0)
    running = machine.start("one")
    wait(lambda: machine.world.toy.held().challenger is None, 90)
    assert machine.world.log[-3:] == [
        f"Give {MODEL} {CHALLENGER[:12]} 10 % of the traffic in production",
        f"Give {MODEL} {CHALLENGER[:12]} 100 % of the traffic in production",
        f"Make {MODEL} {CHALLENGER[:12]} the champion in production",
    ]
    assert answer(f"{running.url}/healthz") == (200, "alive\n")
    status, metrics = answer(f"{running.url}/metrics")
    assert status == 200
    assert "slipway_rollout_leader 1.0" in metrics
    assert answer(f"{running.url}/")[0] == 404
    # It says what it did after it has done it.
    wait(lambda: len(committed(running)) == 3)
    assert committed(running) == [("advance", CHALLENGER), ("advance", CHALLENGER), ("promote", CHALLENGER)]
    assert machine.stop(running, signal.SIGTERM) < 4.0, "a second, on a machine that does nothing else"
    assert running.popen.returncode == 0
    assert machine.world.kubernetes.objects["slipway", "leases", "canary"]["spec"]["holderIdentity"] == ""


@pytest.mark.parametrize("seed", range(4))
def test_killed_anywhere_it_ends_right(machine: Machine, seed: int) -> None:
    """A loop is killed at operation after operation, until one gets through: one rollback, one note, nothing else."""
    began = machine.challenge(10, errors=0.3)
    count = random.Random(seed)
    moment, kills = 1 + seed, 0
    while True:
        running = machine.start("one", kill=moment)
        deadline = time.monotonic() + PATIENCE
        while running.popen.poll() is None and time.monotonic() < deadline and not noted(machine, began):
            time.sleep(0.05)
        if running.popen.poll() is None:
            break
        assert running.popen.returncode == -signal.SIGKILL
        kills += 1
        moment += count.randint(3, 40)
    assert kills >= 3
    machine.stop(running)
    log = machine.world.log
    assert sum(subject.startswith("Roll back") for subject in log) == 1
    assert machine.world.toy.held().rejection(PUBLISHED[CHALLENGER]) is not None
    assert noted(machine, began).count("was rolled back") == 1
    top = machine.world.toy.platform.top
    git(top, "pull", "--quiet", "platform", "main")
    assert render.differences("production", MODEL, top) == []
    assert history.rollout(machine.world.toy.remote, machine.world.toy.main, "production", MODEL) is None


def test_of_two_one_acts_and_the_other_follows(machine: Machine) -> None:
    one = machine.start("one")
    wait(one.leads)
    other = machine.start("two")
    assert "slipway_rollout_leader 0.0" in answer(f"{other.url}/metrics")[1]
    machine.challenge(0)
    wait(lambda: machine.world.weight == 10)
    assert [line for line in other.lines() if "action" in line] == []
    machine.stop(one, signal.SIGTERM)
    wait(other.leads, 10)
    machine.challenge(10, errors=0.3)
    wait(lambda: machine.world.toy.held().rejection(PUBLISHED[CHALLENGER]))
    wait(lambda: [line for line in other.lines() if line.get("action") == "roll back"])


def test_two_leaders_at_once_do_no_harm(machine: Machine) -> None:
    """Neither knows of the other: each step is made once all the same."""
    machine.challenge(0)
    commands = [machine.start(name) for name in ("one", "two")]
    # Both are told that they lead, by a cluster that forgets each Lease at once.
    forget = machine.world.kubernetes
    put = forget._put

    def forgetful(namespace: str, kind: str, content: dict[str, object]) -> dict[str, object]:
        held = put(namespace, kind, content)  # type: ignore[arg-type]
        if kind == "leases":
            forget.objects.pop((namespace, kind, "canary"), None)
        return held

    forget._put = forgetful  # type: ignore[method-assign]
    wait(lambda: all(process.leads() for process in commands))
    wait(lambda: machine.world.toy.held().challenger is None, 90)
    assert machine.world.log[-4:] == [
        "a challenger",
        f"Give {MODEL} {CHALLENGER[:12]} 10 % of the traffic in production",
        f"Give {MODEL} {CHALLENGER[:12]} 100 % of the traffic in production",
        f"Make {MODEL} {CHALLENGER[:12]} the champion in production",
    ]


def test_a_remote_that_is_away_and_comes_back(machine: Machine, tmp_path: Path) -> None:
    bare = machine.world.toy.platform.bare
    machine.challenge(10, errors=0.3)
    bare.rename(tmp_path / "away")
    running = machine.start("one")
    wait(lambda: [line for line in running.lines() if line["level"] == "error"])
    assert answer(f"{running.url}/healthz")[0] == 200
    (tmp_path / "away").rename(bare)
    wait(lambda: machine.world.toy.held().rejection(PUBLISHED[CHALLENGER]))


def test_a_promotion_that_is_reverted_is_no_roll_out_any_more(machine: Machine) -> None:
    machine.challenge(0)
    running = machine.start("one")
    wait(lambda: machine.world.weight == 10)
    machine.world.toy.commit(record(), "Revert it", int(time.time()))
    reverted = machine.world.toy.main
    wait(lambda: "slipway_rollout_weight{" not in answer(f"{running.url}/metrics")[1])
    assert machine.world.toy.main == reverted


def test_once_from_a_clone(machine: Machine) -> None:
    platform = machine.folder / "platform.json"
    urls = {"prometheus": machine.world.prometheus.url}
    content = {
        "registry": {"prefix": "r", "push_url": "http://127.0.0.1:1"}, "git": {"url": "http://127.0.0.1:1/x.git"},
        "kubeconfig": str(machine.folder / "kubeconfig"), "urls": urls,
    }  # fmt: skip
    platform.write_text(json.dumps(content))
    nothing = machine.once("--platform", str(platform))
    assert (nothing.returncode, nothing.stdout) == (0, "No roll-out is under way.\n")
    machine.challenge(0)
    done = machine.once("--platform", str(platform), "--environment", "production", "--model", MODEL, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)[0]
    assert (told["decision"]["action"], told["decision"]["weight"], told["commit"]) == (
        "advance", 10, machine.world.toy.main,
    )  # fmt: skip
    assert git(machine.world.toy.platform.bare, "log", "-1", "--format=%an", "main") == "Somebody"
    again = machine.once()
    assert again.returncode == 0
    assert f"production/{MODEL} {CHALLENGER[:12]}  wait, 10 %  it has answered" in again.stdout
    wrong = machine.once("--model", "nope")
    assert wrong.returncode == 2
    assert f"It has production/{MODEL}" in wrong.stderr
    unknown = machine.once("--remote", "nope")
    assert (unknown.returncode, "has no remote" in unknown.stderr) == (2, True)
    machine.world.toy.commit("nonsense\n", "oops", int(time.time()))
    broken = machine.once("--json")
    assert broken.returncode == 2
    assert "release.yaml" in json.loads(broken.stdout)[0]["fault"]


def test_without_what_it_needs(machine: Machine) -> None:
    environment = {**machine.environment(), "KUBECONFIG": str(machine.folder / "absent")}
    environment.pop("SLIPWAY_GIT_URL")
    done = subprocess.run(["slipway", "canary"], env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "--git-url or SLIPWAY_GIT_URL" in done.stderr
