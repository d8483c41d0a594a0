"""What follows from a look at a roll-out: wait, hold, advance, promote or roll back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate

from slipway.canary.comparison import Finding, compare, percent
from slipway.canary.observation import Block, Observation, Readiness, Rollout
from slipway.rendering.canary import Canary, Step
from slipway.rendering.routing import PATIENCE_SECONDS

_UNKNOWN = "Kubernetes does not know the release"
# What a finding that is worse comes to; its own sentence follows.
_WORSE = {
    "latency": "it is slower than the champion",
    "scores": "its scores differ from the champion's",
    "shadow": "its scores differ from the champion's for the same requests",
}
# Whom less than this share of what its weight sends reaches, to be answered or given up, it does not reach.
_REACHED = 0.5
# Until the gateway gives it up, and everybody has been scraped since, nobody counts a request that is not answered.
_UNKNOWN_SECONDS = 2.0 * PATIENCE_SECONDS
# By so much clocks of those who commit may differ from the loop's.
_SKEW_SECONDS = 30.0


class Action(StrEnum):
    """What is done about a roll-out."""

    WAIT = "wait"
    HOLD = "hold"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class Decision:
    """What is done about a roll-out, and why.

    Attributes:
        weight: percent of the traffic that the release has after it.
        reason: in a sentence; what stands before its first colon says it in short.
        findings: what was found, worse or not.
    """

    action: Action
    weight: int
    reason: str
    findings: tuple[Finding, ...]


class _Blocks:
    """Blocks that are told from others by being the very same: comparing those of a day takes a while."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        self.blocks = blocks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Blocks) and other.blocks is self.blocks

    def __hash__(self) -> int:
        return id(self.blocks)


@lru_cache(maxsize=32)
def _compared(these: _Blocks, settings: Canary) -> tuple[Finding, ...]:
    return compare(these.blocks, settings)


def decide(rollout: Rollout, settings: Canary, seen: Observation) -> Decision:
    """Decide about one roll-out on one look; equal arguments, equal decision."""
    findings = _compared(_Blocks(seen.blocks), settings)
    if seen.shadow is not None and seen.shadow.finding is not None:
        findings = (*findings, seen.shadow.finding)
    weight = rollout.challenger.weight
    if rollout.reverted:
        return _take_back(rollout, settings, seen, findings)
    fault = _fault(weight, settings, seen) or _worse(findings, seen.blocks)
    if fault:
        return Decision(Action.ROLL_BACK, 0, fault, findings)
    ahead = _seconds(seen.at, max(rollout.began, rollout.stepped))
    if ahead > _SKEW_SECONDS:
        return Decision(Action.HOLD, weight, _ahead(ahead), findings)
    action, reason = _before_traffic(rollout, settings, seen) if weight == 0 else _at_step(rollout, settings, seen)
    if action is Action.ADVANCE:
        later = [step.weight for step in settings.steps if step.weight > weight]
        action, weight = (Action.ADVANCE, later[0]) if later else (Action.PROMOTE, 100)
    if action is Action.ROLL_BACK:
        weight = 0
    return Decision(action, weight, reason, findings)


def _take_back(rollout: Rollout, settings: Canary, seen: Observation, findings: tuple[Finding, ...]) -> Decision:
    """A release whose promotion was reverted answers until the champion before it can, which has begun anew."""
    weight, champion = rollout.challenger.weight, seen.champion
    stable = _stable(champion, seen.at) if champion is not None else 0.0
    if champion is None or stable < settings.readiness.stable_seconds:
        said = "its promotion was reverted, and the champion is not back yet"
        if champion is not None:
            said = _because(f"{said}: {_progress(champion, stable, settings.readiness.stable_seconds)}", champion)
        return Decision(Action.WAIT, weight, said, findings)
    return Decision(Action.ROLL_BACK, 0, "its promotion was reverted: the champion before it is back", findings)


def answered(rollout: Rollout, blocks: Sequence[Block]) -> int:
    """How many requests the challenger has answered at the weight that it has, in whole blocks."""
    return sum(_answers(block) for block in _at_weight(rollout, blocks))


def _answers(block: Block) -> int:
    return block.challenger.requests - block.challenger.unanswered


def _sent(rollout: Rollout, blocks: Sequence[Block]) -> int:
    """About how many requests that weight has sent it meanwhile, by what the champion has answered; 0 at 100 %."""
    weight = rollout.challenger.weight
    beside = sum(block.champion.requests for block in _at_weight(rollout, blocks))
    return beside * weight // (100 - weight) if weight < 100 else 0


def _at_weight(rollout: Rollout, blocks: Sequence[Block]) -> list[Block]:
    starts = [rollout.began, *(block.end for block in blocks)]
    return [block for start, block in zip(starts, blocks, strict=False) if start >= rollout.stepped]


def step_of(weight: int, settings: Canary) -> Step:
    """Whose figures hold at ``weight``: the step of that weight; of one set by hand, the last step that it has passed.

    Below the first step, those of the first.
    """
    passed = [step for step in settings.steps if step.weight <= weight]
    return passed[-1] if passed else settings.steps[0]


def _fault(weight: int, settings: Canary, seen: Observation) -> str:
    """Why the challenger cannot stay, by how it runs; empty if it can."""
    readiness, allowed = seen.readiness, settings.readiness
    if readiness.restarts > allowed.restarts:
        said = (
            f"its containers have restarted {readiness.restarts} times, more often than the {allowed.restarts} allowed"
        )
        return _because(said, readiness)
    since = readiness.unready_since
    if weight > 0 and readiness.ready == 0 and since is not None:
        seconds = _seconds(since, seen.at)
        if seconds >= allowed.stable_seconds:
            return _because(f"none of its replicas has been ready for {seconds:.0f} s", readiness)
    return ""


def _worse(findings: Sequence[Finding], blocks: Sequence[Block]) -> str:
    """Why the challenger is worse than the champion; empty if no finding says so."""
    for finding in findings:
        if finding.worse:
            said = _WORSE.get(finding.aspect) or _failing(finding.challenger, blocks)
            return f"{said}: {finding.said}"
    return ""


def _failing(share: float, blocks: Sequence[Block]) -> str:
    unanswered = sum(block.challenger.unanswered for block in blocks)
    if not unanswered:
        return f"{percent(share)} of its answers are 5xx"
    return f"it fails {percent(share)} of its requests, and never answers {unanswered:,} of them"


def _before_traffic(rollout: Rollout, settings: Canary, seen: Observation) -> tuple[Action, str]:
    readiness, limits = seen.readiness, settings.readiness
    # A commit may be old by the time it becomes main, as in a fast-forward: no challenger is late before it can begin.
    waited = _seconds(max(rollout.began, readiness.known_since or rollout.began), seen.at)
    stable = _stable(readiness, seen.at)
    if stable < limits.stable_seconds:
        return _unready(stable, waited, settings, readiness)
    if seen.gap is not None:
        return Action.HOLD, _blind(seen.gap)
    if settings.shadow is not None:
        pairs = seen.shadow.pairs if seen.shadow is not None else 0
        if pairs < settings.shadow.pairs:
            said = f"{pairs} of {settings.shadow.pairs} pairs of answers have been compared"
            if waited >= settings.shadow.limit_seconds:
                return Action.HOLD, f"{said} after {waited:.0f} s: it is up to people now"
            return Action.WAIT, said
    return Action.ADVANCE, f"all of its {readiness.wanted} replicas have been ready for {stable:.0f} s without a break"


def _at_step(rollout: Rollout, settings: Canary, seen: Observation) -> tuple[Action, str]:
    weight = rollout.challenger.weight
    step = step_of(weight, settings)
    requests, seconds = answered(rollout, seen.blocks), _seconds(rollout.stepped, seen.at)
    said = f"it has answered {requests} of {step.requests} requests at {weight} % in {seconds:.0f} s"
    if seen.gap is not None:
        return Action.HOLD, _blind(seen.gap)
    if requests < step.requests:
        if seconds >= step.limit_seconds:
            return Action.HOLD, f"{said}: too few within {step.limit_seconds} s, and it is up to people now"
        sent, reached = _sent(rollout, seen.blocks), _reached(rollout, seen.blocks)
        known = seconds >= max(step.seconds, _UNKNOWN_SECONDS)
        if known and sent >= step.requests and reached < _REACHED * sent:
            told = f"{said}, and {reached} have reached it of about {sent} that its weight sends it"
            return Action.HOLD, _because(f"{told}; see whether its route is applied", seen.readiness)
        return Action.WAIT, said
    if seconds < step.seconds:
        return Action.WAIT, f"{said} of at least {step.seconds} s"
    stable = _stable(seen.readiness, seen.at)
    if stable < settings.readiness.stable_seconds:
        since_over = _seconds(_over(rollout, step, seen.blocks), seen.at)
        action, why = _unready(stable, since_over, settings, seen.readiness, " after its step")
        return action, f"{said}, and {why}" if action is Action.WAIT else why
    return Action.ADVANCE, f"{said}, and is not worse than the champion"


def _reached(rollout: Rollout, blocks: Sequence[Block]) -> int:
    """How many requests have reached the challenger at the weight that it has, and were answered or given up."""
    return sum(block.challenger.requests for block in _at_weight(rollout, blocks))


def _over(rollout: Rollout, step: Step, blocks: Sequence[Block]) -> datetime:
    """When the step was over: its requests answered, and its time past."""
    at_weight = _at_weight(rollout, blocks)
    so_far = accumulate(_answers(block) for block in at_weight)
    enough = next(block.end for block, total in zip(at_weight, so_far, strict=True) if total >= step.requests)
    return max(enough, rollout.stepped + timedelta(seconds=step.seconds))


def _unready(
    stable: float, waited: float, settings: Canary, readiness: Readiness, when: str = ""
) -> tuple[Action, str]:
    """What becomes of one that is to be ready without a break, and has not been ready so long, after that wait."""
    limits = settings.readiness
    if waited < limits.limit_seconds:
        return Action.WAIT, _because(_progress(readiness, stable, limits.stable_seconds), readiness)
    if readiness.wanted == 0 and not readiness.complaint:
        return Action.HOLD, f"{_UNKNOWN} after {waited:.0f} s: see whether Argo CD applies it"
    said = f"it was not ready for {limits.stable_seconds} s without a break within {limits.limit_seconds} s{when}"
    return Action.ROLL_BACK, _because(said, readiness)


def _stable(readiness: Readiness, at: datetime) -> float:
    """Seconds for which all replicas have been ready without a break."""
    since = readiness.stable_since
    return _seconds(since, at) if since is not None and _all_ready(readiness) else 0.0


def _all_ready(readiness: Readiness) -> bool:
    return 0 < readiness.wanted <= readiness.ready


def _progress(readiness: Readiness, stable: float, needed: int) -> str:
    if readiness.wanted == 0:
        return f"{_UNKNOWN} yet"
    if not _all_ready(readiness):
        return f"{readiness.ready} of {readiness.wanted} replicas are ready"
    return f"all of its {readiness.wanted} replicas have been ready for {int(stable)} of {needed} s"


def _because(said: str, readiness: Readiness) -> str:
    return f"{said}: {readiness.complaint}" if readiness.complaint else said


def _ahead(seconds: float) -> str:
    return (
        f"its commit is dated {seconds:.0f} s ahead of the clock, and nothing is counted until then: see to the clock"
        " of whoever committed it, and commit it anew"
    )


def _blind(since: datetime) -> str:
    return f"Prometheus has shown nothing of the champion since {since:%Y-%m-%d %H:%M:%S} UTC"


def _seconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds()
