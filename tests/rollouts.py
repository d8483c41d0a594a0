"""Roll-outs as they might be found, for the tests of what shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, Decision
from slipway.canary.history import Event
from slipway.canary.observation import Readiness, Rollout
from slipway.release.record import Challenger, Published, Record, Rejected
from slipway.rendering.canary import Canary, Shadow
from slipway.status.standing import Application, Seen, Standing
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, RELEASES

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
# A message as a hostile committer would write it: markup of HTML and of Rich, and what a terminal obeys.
HOSTILE = "<script>alert(1)</script> [red]markup[/red] \x1b[31mescape & “quotes”"
COMMIT = "0123456789" * 4


def canary() -> Canary:
    """Settings of four steps."""
    limits = {"seconds": 60, "limit_seconds": 3600}
    steps = [(10, 2000), (25, 4000), (50, 8000), (100, 2000)]
    return Canary.model_validate(
        {
            "readiness": {"stable_seconds": 10, "limit_seconds": 300, "restarts": 2},
            "shadow": None,
            "steps": [{"weight": weight, "requests": requests, **limits} for weight, requests in steps],
            "false_alarm": 0.05,
            "block_seconds": 15,
            "errors": {"margin": 0.002},
            "latency": {"ratio": 1.1, "floor_seconds": 0.005, "quantiles": [0.5, 0.99]},
            "scores": {"margin": 0.01, "quantiles": [0.5]},
        }
    )


def shadowing(**changes: Any) -> Canary:
    """The same with a shadow before the first step."""
    fields = {"percent": 50, "pairs": 500, "differing": 0.01, "tolerance": 0.02, "limit_seconds": 600} | changes
    return canary().model_copy(update={"shadow": Shadow.model_validate(fields)})


def rollout(weight: int = 10, rejected: tuple[Rejected, ...] = ()) -> Rollout:
    """One that began two minutes before noon, and has its weight for one."""
    champion = Published(release=RELEASES[0], image=IMAGES[0])
    challenger = Challenger(release=RELEASES[1], image=IMAGES[1], weight=weight)
    record = Record(champion=champion, challenger=challenger, rejected=rejected)
    began, stepped = NOON - timedelta(minutes=2), NOON - timedelta(minutes=1)
    return Rollout("production", MODEL, record, began, stepped, COMMIT)


def rejected(reason: str = HOSTILE) -> Rejected:
    return Rejected(release=RELEASES[2], image=IMAGES[2], at=NOON - timedelta(days=1), reason=reason)


def findings(**e_values: float) -> tuple[Finding, ...]:
    """A finding of each aspect, with these e-values, or 0.5."""
    return tuple(
        Finding(aspect, e_values.get(aspect, 0.5), 60.0, 0.001, 0.051, f"{aspect} of 1,234 requests")
        for aspect in ("errors", "latency", "scores")
    )


def seen(action: Action = Action.WAIT, **changes: Any) -> Seen:
    """What is known of :func:`rollout` beyond Git."""
    runs = Readiness(2, 2, NOON - timedelta(seconds=90), 0, "")
    decision = Decision(action, 10, "1,234 of 2,000 requests at 10 %", findings())
    known = {
        "champion": runs,
        "challenger": runs,
        "requests": 1234,
        "decision": decision,
        "application": Application("Synced", "Healthy", ""),
    }
    return Seen(**(known | changes))


def standing(weight: int = 10, known: Seen | None = None, **changes: Any) -> Standing:
    """Production with a challenger at ``weight``."""
    found = rollout(weight, changes.pop("rejected", ()))
    fields = {"record": found.record, "settings": canary(), "rollout": found, "seen": known or Seen()}
    return Standing("production", MODEL, **(fields | changes))


def event(action: str, weight: int, minutes: float, release: str = RELEASES[1], **changes: Any) -> Event:
    """Something that happened so many minutes after a quarter to noon."""
    fields: dict[str, Any] = {
        "environment": "production", "model": MODEL, "release": release, "image": IMAGES[1],
        "action": action, "weight": weight,
        "at": NOON - timedelta(minutes=15) + timedelta(minutes=minutes), "commit": f"{action[0]}{weight:03}" * 10,
        "who": "Slipway canary", "reason": f"It was {action}.", "evidence": (),
    }  # fmt: skip
    return Event(**(fields | changes))


def challenger(release: str = RELEASES[1], image: str = IMAGES[1]) -> Challenger:
    """One at 10 %."""
    return Challenger(release=release, image=image, weight=10)


def events() -> tuple[Event, ...]:
    """A whole life, newest first: a first champion, a challenger that won, one that lost, one that is under way."""
    a, b, c = RELEASES
    told = [
        event("begin", 100, 0, a, who="Ada Lovelace"),
        event("begin", 0, 1, b),
        event("advance", 10, 2, b, evidence=findings(errors=0.1)),
        event("advance", 100, 3, b, evidence=findings(errors=2.0)),
        event("promote", 100, 4, b, evidence=findings()),
        event("begin", 0, 5, c, who=HOSTILE),
        event("advance", 10, 6, c),
        event("roll back", 0, 7, c, evidence=findings(errors=81.0, latency=float("inf")), reason=HOSTILE),
        event("begin", 0, 13, "d" * 64),
        event("advance", 10, 14, "d" * 64, evidence=findings(scores=1e-30)),
    ]
    return tuple(reversed(told))
