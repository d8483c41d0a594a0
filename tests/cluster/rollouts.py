"""Roll-outs of one environment, begun as people begin them, and watched in Git and in what people are answered."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.release.record import Record
from tests.cluster.clone import REMOTE, Clone
from tests.cluster.load import Load
from tests.cluster.platform import eventually
from tests.conftest import MODEL

NAME = "flight-delay"
INFER = f"/v2/models/{MODEL}/infer"
PATIENCE = 180.0
"""Seconds for a cluster on two busy cores."""
TRAILERS = ("Rollout", "Action", "Release", "Weight", "Evidence")
_FIELDS = "%x00".join(
    ["%H", "%ct", "%s", "%b", *(f"%(trailers:key=Slipway-{name},valueonly,separator=%x20)" for name in TRAILERS)]
)
# Short, for tests, but long enough for Argo CD to apply a weight. What people use is in gitops/envs: it takes minutes,
# and tells smaller faults.
CANARY: dict[str, Any] = {
    "readiness": {"stable_seconds": 3, "limit_seconds": 60, "restarts": 1},
    "shadow": None,
    "steps": [
        {"weight": 10, "requests": 150, "seconds": 10, "limit_seconds": 180},
        {"weight": 25, "requests": 150, "seconds": 10, "limit_seconds": 180},
        {"weight": 50, "requests": 150, "seconds": 10, "limit_seconds": 180},
        {"weight": 100, "requests": 150, "seconds": 10, "limit_seconds": 180},
    ],
    "false_alarm": 0.05,
    "block_seconds": 5,
    "errors": {"margin": 0.005},
    "latency": {"ratio": 2.0, "floor_seconds": 0.005, "quantiles": [0.5]},
    "scores": {"margin": 0.05, "quantiles": [0.25, 0.5, 0.75]},
}


@dataclass(frozen=True)
class Step:
    """A commit of a roll-out.

    Attributes:
        commit: its name.
        at: when it was committed, in seconds since the epoch, without their fraction.
        subject, body: its message.
        action, weight, release, evidence: what its trailers say.
    """

    commit: str
    at: int
    subject: str
    body: str
    action: str
    weight: int
    release: str
    evidence: list[dict[str, Any]]


class Rollouts:
    """Those of ``environment``, in a clone of the platform's monorepo.

    Args:
        clone: of which nothing but this writes.
        environment: "staging" or "production".
        bodies: of requests, so many that their scores are spread as people's are.

    Attributes:
        first: the champion's digest in the beginning.
    """

    def __init__(self, clone: Clone, environment: str, bodies: Sequence[bytes]) -> None:
        self.clone, self.environment, self.platform = clone, environment, clone.platform
        self._bodies = bodies
        self._home = clone.top / "gitops/envs" / environment / MODEL
        self.first = self.champion
        self._began = clone.git("rev-parse", "FETCH_HEAD")

    def load(self, clients: int = 6) -> Load:
        """Steady load through the gateway."""
        host = f"{NAME}.{self.environment}.localhost"
        return Load(self.platform.record["urls"]["gateway"], host, INFER, *self._bodies, clients=clients)

    def watch_by(self, **changes: Any) -> None:
        """Have the environment's roll-outs go by the test's own canary.yaml, with changes to its sections."""
        wanted = {key: {**part, **changes.get(key, {})} if isinstance(part, dict) else changes.get(key, part)
                  for key, part in CANARY.items()}  # fmt: skip
        self.clone.pull()
        file = self._home / "canary.yaml"
        if yaml.safe_load(file.read_text()) != wanted:
            file.write_text(yaml.safe_dump(wanted, sort_keys=False))
            self.clone.push(f"Watch roll-outs of {self.environment} as tests do")

    def publish(self, release: Path, base: str | None = None) -> str:
        """Publish a release, on another server image if one is named; the digest of its image."""
        if not (self.clone.top / "releases" / MODEL / release.name).exists():
            self.clone.hold(release)
        on = ("--base", base) if base else ()
        return str(self.clone.asked("publish", MODEL, release.name, *on)["image"])

    def promote(self, release: Path) -> Rollout:
        """Promote a published release, merged at once."""
        chosen = ("--release", release.name, "--to", self.environment, "--merge")
        promoted = self.clone.asked("promote", MODEL, *chosen)
        assert promoted["role"] == "challenger", f"{self.environment} has no champion"
        return Rollout(self, release.name, promoted["commit"], promoted["body"])

    def write(self, record: Record, message: str) -> str:
        """Have somebody push a release.yaml to main; the commit."""
        self.clone.pull()
        record.write(self._home / "release.yaml")
        return self.clone.push(message)

    def record(self) -> Record:
        """What the platform's main says now."""
        self.clone.git("fetch", "--quiet", REMOTE, "main")
        path = f"gitops/envs/{self.environment}/{MODEL}/release.yaml"
        return Record.model_validate(yaml.safe_load(self.clone.git("show", f"FETCH_HEAD:{path}")))

    @property
    def champion(self) -> str:
        """The champion's digest."""
        champion = self.record().champion
        assert champion is not None
        return champion.release

    def steps(self, after: str) -> list[Step]:
        """The commits of roll-outs here since a commit, oldest first."""
        self.clone.git("fetch", "--quiet", REMOTE, "main")
        told = self.clone.git("log", "--first-parent", "--reverse", f"--format={_FIELDS}%x01", f"{after}^..FETCH_HEAD")
        found = [entry.strip("\n").split("\0") for entry in told.split("\x01") if entry.strip("\n")]
        return [_step(fields) for fields in found if fields[4] == f"{self.environment}/{MODEL}"]

    def last(self, release: str) -> Step:
        """The last commit about a release."""
        return [step for step in self.steps(self._began) if step.release == release][-1]

    def settled(self) -> object:
        """Whether the cluster runs what Git says."""
        state = self.platform.applications().get(f"{self.environment}-{NAME}")
        return state == ("Synced", "Healthy") or state

    def settle(self) -> None:
        """Wait until the cluster runs what Git says."""
        eventually(self.settled, f"{self.environment} runs what Git says", PATIENCE)


def _step(fields: list[str]) -> Step:
    commit, at, subject, body, _, action, release, weight, evidence = fields
    found = json.loads(evidence) if evidence else []
    return Step(commit, int(at), subject, body, action, int(weight), release, found)


@dataclass(frozen=True)
class Rollout:
    """One of a challenger, whose promotion is ``began``, a commit; ``request`` is what its pull request would say."""

    of: Rollouts
    release: str
    began: str
    request: str = ""

    @property
    def steps(self) -> list[Step]:
        """Its commits so far, by their trailers, the promotion first."""
        return [step for step in self.of.steps(self.began) if step.release == self.release]

    def until(self, action: str, seconds: float = PATIENCE, weight: int | None = None) -> list[Step]:
        """Wait until a commit does this, and return all up to it. Raises AssertionError if another end comes first."""
        end = time.monotonic() + seconds
        while True:
            steps = self.steps
            for number, step in enumerate(steps):
                if step.action == action and weight in (None, step.weight):
                    return steps[: number + 1]
            told = [f"{step.action} {step.weight} %" for step in steps]
            assert not told or steps[-1].action not in ("promote", "roll back"), f"{told}: {steps[-1].body}"
            if time.monotonic() > end:
                account = self.of.platform.account(self.of.environment)
                raise AssertionError(f"no {action!r} within {seconds:.0f} s, but {told}{account}")
            time.sleep(0.5)

    def quiet(self, load: Load, seconds: float = 4.0) -> None:
        """Wait until the challenger has answered nobody for so long, while others were."""

        def nothing() -> object:
            late = [answer.at for answer in load.answers if answer.release == self.release or answer.planted]
            return time.time() - max(late, default=0.0) > seconds or len(late)

        eventually(nothing, "the challenger answers nobody", 60)
        load.wait_for(100)
