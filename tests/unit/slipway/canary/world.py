"""A platform with a Prometheus and a Kubernetes beside it, and the loop that looks at all three."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml

from slipway.adapters.git import Committer
from slipway.adapters.kube import Cluster
from slipway.adapters.prometheus import Prometheus
from slipway.canary.clone import Clone
from slipway.canary.figures import Figures
from slipway.canary.look import Lookout
from slipway.canary.loop import Loop
from slipway.canary.sighting import Sight
from slipway.rendering.served import service_name
from tests.conftest import MODEL
from tests.fake_kubernetes import FakeKubernetes
from tests.fake_prometheus import FakePrometheus, Pod
from tests.toy_platform import PUBLISHED
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER, CHAMPION, Toy, make, record

CANARY = {
    "readiness": {"stable_seconds": 5, "limit_seconds": 60, "restarts": 2},
    "shadow": None,
    "steps": [
        {"weight": 10, "requests": 200, "seconds": 10, "limit_seconds": 600},
        {"weight": 100, "requests": 200, "seconds": 10, "limit_seconds": 600},
    ],
    "false_alarm": 0.05,
    "block_seconds": 5,
    "errors": {"margin": 0.002},
    "latency": {"ratio": 1.1, "floor_seconds": 0.0, "quantiles": [0.5, 0.9]},
    "scores": {"margin": 0.01, "quantiles": [0.1, 0.5, 0.9]},
}
COMMITTER = Committer("Slipway canary", "canary@slipway.internal")
OLD, NEW = service_name(MODEL, PUBLISHED[CHAMPION]), service_name(MODEL, PUBLISHED[CHALLENGER])


@dataclass
class World:
    """All of it.

    Attributes:
        now: seconds since BEGIN, for the loop and for Prometheus.
    """

    toy: Toy
    prometheus: FakePrometheus
    kubernetes: FakeKubernetes
    cluster: Cluster
    folder: Path
    now: float = 0.0
    loops: list[Loop] = field(default_factory=list)

    def loop(self, name: str = "one") -> Loop:
        """Another loop, with a clone of its own."""
        clone = Clone(self.folder / name / "clone.git", str(self.toy.platform.bare), None, COMMITTER)
        lookout = Lookout(Sight(Prometheus(self.prometheus.url)), self.cluster)
        return Loop(clone, lookout, Figures(), clock=lambda: datetime.fromtimestamp(BEGIN + self.now, UTC))

    def challenge(self, weight: int = 0, errors: float = 0.0, ready: float | None = 2.0, hung: float = 0.0) -> str:
        """Have a challenger at the beginning, in Git and in the cluster; the commit."""
        if ready is not None:
            self.kubernetes.run("production", NEW, 2, BEGIN + ready)
        new = Pod(NEW, "new", BEGIN + 1, rate=50, errors=errors, unanswered=hung)
        self.prometheus.pods = [Pod(OLD, "old", BEGIN - 1000), new]
        return self.toy.commit(record(weight), "a challenger", BEGIN)

    def step(self, loop: Loop, seconds: float = 3.0) -> str:
        """Look once, some seconds later; the action, or the fault."""
        self.now += seconds
        outcomes = loop.cycle()
        if not outcomes:
            return ""
        first = outcomes[0]
        return str(first.decision.action) if first.fault is None and first.decision is not None else str(first.fault)

    @property
    def weight(self) -> int | None:
        """The challenger's, by the remote's main; None for no challenger."""
        challenger = self.toy.held().challenger
        return challenger.weight if challenger is not None else None

    @property
    def log(self) -> list[str]:
        """The subjects of main, oldest first."""
        from tests.toy_platform import git

        return git(self.toy.platform.bare, "log", "--reverse", "--format=%s", "main").splitlines()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make one below ``folder``; production's roll-outs take a minute."""
    with ExitStack() as stack:
        prometheus, kubernetes = stack.enter_context(FakePrometheus()), stack.enter_context(FakeKubernetes())
        cluster = Cluster(kubernetes.kubeconfig(folder / "kubeconfig"))
        stack.callback(cluster.close)
        toy = make(folder)
        (toy.other / f"gitops/envs/production/{MODEL}/canary.yaml").write_text(yaml.safe_dump(CANARY))
        toy.push("a quick roll-out", BEGIN - 900)
        made = World(toy, prometheus, kubernetes, cluster, folder)
        prometheus.clock = lambda: BEGIN + made.now
        yield made
