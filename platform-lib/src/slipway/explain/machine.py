"""An explanation, or a refusal, as JSON-ready data; floats keep every bit, and NaN is null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from slipway.contracts.request import Breach
from slipway.explain.explanation import Explanation
from slipway.explain.question import Checked, RequestRefused
from slipway.release import Release


def as_json(found: Explanation) -> dict[str, Any]:
    """The whole explanation."""
    release, recorded = found.release, found.question.recorded
    return {
        "model": release.model,
        "release": release.digest,
        "source": found.question.source,
        "recorded": asdict(recorded) if recorded else None,
        "valid": True,
        "request": [_field(entry) for entry in found.checked],
        "features": [
            {
                "feature": feature.name,
                "value": None if feature.missing else feature.value,
                "missing": feature.missing,
                "from": feature.given,
                "contribution": feature.contribution,
            }
            for feature in found.features
        ],
        "trees": {
            "count": len(found.cumulative),
            "cumulative_raw_score": found.cumulative,
            "moved_most": [asdict(path) for path in found.paths],
        },
        "contributions": {
            "expected_raw_score": found.expected,
            "sum": math.fsum([found.expected, *(feature.contribution for feature in found.features)]),
            "steps": [
                {"feature": step.feature.name, "before": step.before, "after": step.after} for step in found.steps()
            ],
        },
        "link": {"objective": found.objective, "raw_score": found.raw, "score": found.score},
        "decision": {
            release.score_name: found.score,
            "threshold": release.threshold,
            release.decision_name: found.decision,
            "currency": release.card["kpi"]["currency"],
            "costs": asdict(found.costs),
            "expected_cost_acting": found.costs.acting(found.score),
            "expected_cost_waiting": found.costs.waiting(found.score),
        },
    }


def refusal(refused: RequestRefused, release: Release) -> dict[str, Any]:
    """What a request breaks."""
    return {
        "model": release.model,
        "release": release.digest,
        "source": refused.source,
        "valid": False,
        "request": [_field(entry) for entry in refused.checked],
        "breaches": _breaches(refused.breaches),
    }


def _field(entry: Checked) -> dict[str, Any]:
    field = entry.field
    shown = field.logged is None or not entry.breaches
    return {
        "field": field.name,
        "value": entry.value if shown else None,
        "unit": field.unit,
        "about": field.about,
        "rule": entry.rule,
        "breaches": _breaches(entry.breaches),
    }


def _breaches(breaches: Sequence[Breach]) -> list[dict[str, Any]]:
    return [{"field": each.field, "rule": each.rule, "message": each.message} for each in breaches]
