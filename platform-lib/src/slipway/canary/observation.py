"""What is known of a roll-out at one moment: what both releases answered, and how the challenger runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from slipway.release.record import Challenger, Record
from slipway.rendering.served import image_digits

if TYPE_CHECKING:
    from slipway.canary.comparison import Finding


@dataclass(frozen=True)
class Counts:
    """What became of one release's scoring requests in one block of time.

    Attributes:
        requests: that were answered, by any status, or whose clients gave up.
        errors: those answered by 5xx, and those whose clients gave up.
        durations: (bounds + 1,) answers by bucket of slipway.serving.metrics.DURATION_BOUNDS; the last has no bound.
        scores: (bounds + 1,) answered rows by bucket of slipway.serving.metrics.SCORE_BOUNDS; the last has no bound.
        unanswered: those whose clients, as the gateway is one, gave up before an answer.
    """

    requests: int
    errors: int
    durations: tuple[int, ...]
    scores: tuple[int, ...]
    unanswered: int = 0


@dataclass(frozen=True)
class Block:
    """A block of time that is over, and what each release answered in it."""

    end: datetime
    champion: Counts
    challenger: Counts


@dataclass(frozen=True)
class Readiness:
    """How the challenger runs.

    Attributes:
        wanted: its replicas, as Kubernetes is to have them; 0 until it knows the release.
        ready: those that take requests.
        stable_since: since when all are ready without a break; None while one is not.
        restarts: of its containers, since its pods exist.
        complaint: what keeps it from being ready, in Kubernetes' and the server's own words; empty if nothing does.
        unready_since: since when not one takes requests; None while one does, or where nobody knows.
        known_since: since when Kubernetes has its Deployment; None where it has none.
    """

    wanted: int
    ready: int
    stable_since: datetime | None
    restarts: int
    complaint: str
    unready_since: datetime | None = None
    known_since: datetime | None = None


@dataclass(frozen=True)
class Rollout:
    """What Git says of it.

    Attributes:
        environment, model: where, and of what.
        record: what stands in release.yaml, with a challenger.
        began: when the challenger became main's.
        stepped: when it got the weight that it has.
        commit: of main that says so.
        reverted: whether it was the champion right before, and people reverted the commit that had made it so.
    """

    environment: str
    model: str
    record: Record
    began: datetime
    stepped: datetime
    commit: str
    reverted: bool = False

    @property
    def challenger(self) -> Challenger:
        assert self.record.challenger is not None
        return self.record.challenger

    @property
    def of(self) -> tuple[str, str]:
        """Release and image of the challenger."""
        return self.challenger.release, self.challenger.image

    @property
    def named(self) -> str:
        """Model and challenger as people call them; with the image where the champion is of the same release."""
        champion, challenger = self.record.champion, self.challenger
        name = f"{self.model} {challenger.release[:12]}"
        same = champion is not None and champion.release == challenger.release
        return f"{name} in image {image_digits(challenger.image)}" if same else name


@dataclass(frozen=True)
class Shadowed:
    """What the challenger answered to copies of requests, beside the champion's answers to the same.

    Attributes:
        pairs: that have been compared.
        finding: of the aspect "shadow"; None before the first pair.
        differing: of the pairs, those whose scores differ by more than shadow.tolerance.
    """

    pairs: int
    finding: Finding | None
    differing: int = 0


@dataclass(frozen=True)
class Observation:
    """One look.

    Attributes:
        at: when.
        blocks: all since the challenger began, oldest first; the last one may be some seconds ago.
        readiness: of the challenger.
        gap: since when Prometheus cannot be asked, or has seen nothing of the champion; None if all is well. What is
            not seen is no evidence: nothing advances then.
        shadow: None where canary.yaml asks for none, or nobody can tell.
        champion: how the champion runs, where its promotion is being reverted; None elsewhere.
    """

    at: datetime
    blocks: tuple[Block, ...]
    readiness: Readiness
    gap: datetime | None = None
    shadow: Shadowed | None = None
    champion: Readiness | None = None
