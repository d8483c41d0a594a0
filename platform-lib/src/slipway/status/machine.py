"""A status as JSON-ready data.

It holds no time of the look: equal states give equal bytes. What is infinite is null.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from slipway.canary.comparison import Finding
from slipway.canary.decision import Decision
from slipway.canary.history import Event
from slipway.canary.observation import Readiness
from slipway.status.rollouts import Past
from slipway.status.standing import Standing, Status, evidence, stage, verdict


def as_json(status: Status) -> dict[str, Any]:
    """The whole status."""
    return {
        "remote": status.remote,
        "commit": status.commit,
        "models": [_standing(each) for each in status.standings],
        "unasked": [asdict(each) for each in status.unasked],
    }


def _standing(standing: Standing) -> dict[str, Any]:
    record, seen = standing.record, standing.seen
    return {
        "environment": standing.environment,
        "model": standing.model,
        "champion": record.champion.model_dump() if record is not None and record.champion is not None else None,
        "challenger": record.challenger.model_dump() if record is not None and record.challenger is not None else None,
        "rejected": [
            {**each.model_dump(), "at": moment(each.at)} for each in (record.rejected if record is not None else ())
        ],
        "rollout": _rollout(standing),
        "runs": {"champion": _runs(seen.champion), "challenger": _runs(seen.challenger)},
        "argo_cd": asdict(seen.application) if seen.application is not None else None,
        "verdict": verdict(standing),
        "history": [_past(each) for each in standing.past],
        "faults": list(standing.faults),
    }


def _rollout(standing: Standing) -> dict[str, Any] | None:
    rollout, seen = standing.rollout, standing.seen
    if rollout is None:
        return None
    return {
        "began": moment(rollout.began),
        "stepped": moment(rollout.stepped),
        "weight": rollout.challenger.weight,
        "stage": stage(standing),
        "step": standing.number or None,
        "steps": [step.weight for step in standing.settings.steps] if standing.settings is not None else [],
        "requests": seen.requests,
        "requests_wanted": standing.step.requests if standing.step is not None else None,
        "pairs": seen.pairs,
        "pairs_wanted": standing.shadow.pairs if standing.shadow is not None else None,
        "decision": _decision(seen.decision),
    }


def _past(past: Past) -> dict[str, Any]:
    return {
        "release": past.release,
        "image": past.image,
        "outcome": past.outcome,
        "events": [_event(event) for event in past.events],
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "action": event.action,
        "weight": event.weight,
        "at": moment(event.at),
        "commit": event.commit,
        "who": event.who,
        "reason": event.reason,
        "findings": [_finding(each) for each in event.evidence],
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    findings = [_finding(each) for each in decision.findings]
    return {"action": str(decision.action), "weight": decision.weight, "reason": decision.reason, "findings": findings}


def _finding(finding: Finding) -> dict[str, Any]:
    figures = {name: value if math.isfinite(value) else None for name, value in _figures(finding)}
    return {**asdict(finding), **figures, "worse": finding.worse, "evidence": evidence(finding)}


def _figures(finding: Finding) -> list[tuple[str, float]]:
    """What JSON has no word for if it is infinite."""
    return [(name, value) for name, value in asdict(finding).items() if isinstance(value, float)]


def _runs(readiness: Readiness | None) -> dict[str, Any] | None:
    if readiness is None:
        return None
    told = asdict(readiness)
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in told.items()}


def moment(when: datetime) -> str:
    """RFC 3339, UTC, whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
