"""What is known of one model in one environment, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Readiness, Rollout
from slipway.release.record import Record
from slipway.rendering.canary import Canary, Shadow, Step
from slipway.status.rollouts import Past


@dataclass(frozen=True)
class Unasked:
    """Somebody who could not be asked, and why."""

    who: str
    why: str


@dataclass(frozen=True)
class Application:
    """What Argo CD says of a model's manifests: ``sync`` as Synced, ``health`` as Healthy, and why not."""

    sync: str
    health: str
    message: str


@dataclass(frozen=True)
class Seen:
    """What is known beyond Git; None of what could not be asked, or does not concern.

    Attributes:
        champion, challenger: how each runs.
        requests: that the challenger has answered at its weight.
        pairs: that have been compared of its shadow.
        decision: that the canary loop would come to now.
        application: of Argo CD.
    """

    champion: Readiness | None = None
    challenger: Readiness | None = None
    requests: int | None = None
    pairs: int | None = None
    decision: Decision | None = None
    application: Application | None = None


@dataclass(frozen=True)
class Standing:
    """One model in one environment.

    Attributes:
        record: what stands in release.yaml; None if that is not what it must be.
        settings: what stands in canary.yaml; None likewise.
        rollout: what Git says of the one that is under way.
        past: its roll-outs, newest first, with the one that is under way.
        seen: what is known beyond Git.
        faults: what is wrong with the files, in sentences.
    """

    environment: str
    model: str
    record: Record | None
    settings: Canary | None
    rollout: Rollout | None = None
    past: tuple[Past, ...] = ()
    seen: Seen = field(default_factory=Seen)
    faults: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.environment}/{self.model}"

    @property
    def number(self) -> int:
        """Which step of canary.yaml the challenger is at, from 1; 0 before the first, and where its weight is none."""
        if self.settings is None or self.rollout is None:
            return 0
        weights = [step.weight for step in self.settings.steps]
        weight = self.rollout.challenger.weight
        return weights.index(weight) + 1 if weight in weights else 0

    @property
    def step(self) -> Step | None:
        """The step that the challenger is at."""
        return self.settings.steps[self.number - 1] if self.settings is not None and self.number else None

    @property
    def shadow(self) -> Shadow | None:
        """The shadow that the challenger is; None where it answers people, or gets no copies."""
        if self.settings is None or self.rollout is None or self.rollout.challenger.weight:
            return None
        return self.settings.shadow


@dataclass(frozen=True)
class Status:
    """All of them.

    Attributes:
        remote: the Git remote whose main was read.
        commit: of that main.
        unasked: who could not be asked; what they know is missing from the standings.
    """

    remote: str
    commit: str
    standings: tuple[Standing, ...]
    unasked: tuple[Unasked, ...] = ()


def stage(standing: Standing) -> str:
    """Where a roll-out is, in words."""
    if standing.rollout is None or standing.settings is None:
        return ""
    if standing.number:
        return f"step {standing.number} of {len(standing.settings.steps)}"
    if standing.rollout.challenger.weight:
        return f"{standing.rollout.challenger.weight} % is no step of canary.yaml"
    return "shadow, before the first step" if standing.shadow is not None else "before the first step"


def state(standing: Standing) -> str:
    """The same as :func:`verdict` without reasons."""
    decision = standing.seen.decision
    if standing.faults:
        return "its files are not what they must be"
    if standing.rollout is None:
        return verdict(standing)
    return _DOING[decision.action] if decision is not None else "not known how it goes"


def verdict(standing: Standing) -> str:
    """What is to be said of it, in a sentence."""
    if standing.faults:
        return standing.faults[0]
    record, decision = standing.record, standing.seen.decision
    if record is None or record.champion is None:
        return "nothing is in production yet" if standing.environment == "production" else "nothing runs here"
    if record.champion.image is None:
        return "the champion runs outside Slipway"
    if standing.rollout is None:
        return "no roll-out is under way"
    if decision is None:
        return "a roll-out is under way; how it goes could not be asked"
    return f"{_DOING[decision.action]}: {decision.reason}"


_DOING = {
    Action.WAIT: "waits",
    Action.HOLD: "holds",
    Action.ADVANCE: "goes on",
    Action.PROMOTE: "becomes champion",
    Action.ROLL_BACK: "is rolled back",
}


def evidence(finding: Finding) -> str:
    """How strong the evidence against the challenger is, in words."""
    if finding.worse:
        return "worse than the champion"
    if finding.e_value <= 1.0:
        return "nothing against it"
    return "something against it, not enough"
