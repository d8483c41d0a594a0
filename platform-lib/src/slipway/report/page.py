"""The page's sections, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from slipway.drift.reading import Reading
from slipway.report import charts
from slipway.report.comparison import measures, title
from slipway.report.findings import Findings
from slipway.report.pictures import Picture, draw
from slipway.report.tables import flattened, natural, number, tables

SECTIONS = {
    "verdicts": "Verdicts",
    "quality": "Quality",
    "calibration": "Calibration",
    "slices": "Slices",
    "cost": "Cost",
    "drift": "Drift",
    "importance": "Features",
    "study": "Ablation and age",
    "budget": "Budget",
    "lineage": "Lineage",
    "quarantine": "Quarantine",
    "parameters": "Parameters",
}
_BUDGET = (
    # figure, its threshold, unit, whether it differs from run to run
    ("model size", "model_bytes", "max_model_mib", "MiB"),
    ("trees", "trees", "max_trees", ""),
    ("single-row latency", "single_row_ms", "max_single_row_ms", "ms"),
    ("memory", "memory_mib", "max_memory_mib", "MiB"),
)
_MIB = 1 << 20
_NEAREST = 25


def render(findings: Findings) -> str:
    """The whole page as HTML."""
    return (
        environment()
        .get_template("page.html")
        .render(
            found=findings,
            sections=SECTIONS,
            measures=measures(findings.metrics["overall"], findings.comparison),
            curves=_curves(findings),
            reliability=_reliability(findings),
            groups=_groups(findings),
            cost=_cost(findings),
            drift=_drift(findings),
            importance=_importance(findings),
            staleness=_staleness(findings),
            budget=_budget(findings),
        )
    )


def environment(*packages: str) -> Environment:
    """Where templates are found: in ``packages``, and the report's own, whose macros and style others share."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "slipway.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "percent": _percent}
    made.globals |= {"tables": tables, "flattened": flattened}
    return made


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("%", "\N{NO-BREAK SPACE}%")


def _curves(findings: Findings) -> list[Picture]:
    area, precision = (findings.metrics["overall"][name]["value"] for name in ("auc", "average_precision"))
    rate = findings.metrics["rate"]
    return [
        draw(
            "roc",
            charts.receiver_operating(findings.curves["roc"]),
            "ROC curve; dashed: guessing.",
            f"ROC curve with an area of {area:.3f}.",
        ),
        draw(
            "precision-recall",
            charts.precision_recall(findings.curves["precision_recall"], rate),
            f"Precision and recall; dashed: guessing, at the observed rate of {_percent(rate)}.",
            f"Precision-recall curve with an average precision of {precision:.3f}.",
        ),
    ]


def _reliability(findings: Findings) -> Picture:
    groups = findings.curves["reliability"]
    gap = max(abs(group["score"] - group["rate"]) for group in groups)
    return draw(
        "reliability",
        charts.reliability(groups),
        f"Observed rate against mean score in {len(groups)} groups of equal size; dashed: perfect calibration.",
        f"Reliability curve of {len(groups)} groups; the largest distance from the diagonal is {gap:.3f}.",
    )


def _groups(findings: Findings) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "rows": sorted(groups, key=lambda entry: natural(entry["group"])),
            "pictures": _group_pictures(order, name, groups, findings),
        }
        for order, (name, groups) in enumerate(
            sorted(findings.metrics["groups"].items(), key=lambda entry: (entry[0] != "period", entry[0]))
        )
    ]


def _group_pictures(order: int, name: str, groups: list[Mapping[str, Any]], findings: Findings) -> list[Picture]:
    pictures = []
    overall = findings.metrics["overall"]["auc"]["value"]
    if any("auc" in group for group in groups):
        pictures.append(
            draw(
                f"slice-{order}-auc",
                charts.group_measure(groups, "auc", overall, title("auc")),
                f"AUC by {name} with its interval; dashed: all rows.",
                f"AUC of each {name} with its interval; over all rows it is {overall:.3f}.",
            )
        )
    pictures.append(
        draw(
            f"slice-{order}-rate",
            charts.group_rate(groups),
            f"Observed rate and mean score by {name}.",
            f"Observed rate and mean score of each {name}; the table below holds the figures.",
        )
    )
    return pictures


def _cost(findings: Findings) -> dict[str, Any]:
    kpi, currency = findings.metrics["kpi"], findings.card["kpi"]["currency"]
    unit = f"{currency} per {kpi['per_cases']:,} cases"
    best = min(kpi["cost_never_acting"], kpi["cost_always_acting"])
    picture = draw(
        "cost",
        charts.costs(findings.curves["kpi"], kpi, unit),
        "Cost at each decision threshold; marked: the threshold that follows from the costs.",
        f"Cost by decision threshold; at the chosen one, {kpi['threshold']:.3f}, it is {kpi['cost']:,.0f} {unit}.",
    )
    return {"picture": picture, "unit": unit, "saved_share": kpi["saved"] / best if best else 0.0}


def _drift(findings: Findings) -> dict[str, Any] | None:
    reading = findings.drift
    if reading is None or not reading.with_role("judged"):
        return None
    figures = charts.nearest(reading)
    null = [week for week in reading.weeks if week.role != "judged"]
    return {
        "figures": figures,
        "judged": [week.name for week in reading.with_role("judged")],
        "power": reading.power,
        "null": len(null),
        "alarms": sum(bool(week.drifted()) for week in null),
        "pictures": _drift_pictures(reading, figures),
    }


def _drift_pictures(reading: Reading, figures: list[dict[str, Any]]) -> list[Picture]:
    drifted = [row["figure"] for row in figures if row["effect"] > row["threshold"]]
    nearest = figures[:_NEAREST]
    said = f"drifted: {', '.join(drifted)}" if drifted else "none has drifted"
    which = f"the {len(nearest)} figures, of {len(figures)}, that come nearest to their threshold"
    return [
        draw(
            "drift-effects",
            charts.drift_effects(nearest),
            f"Largest effect in the judged weeks (dot) and threshold (bar) of {which}.",
            f"Effect and threshold of {which}; {said}.",
        ),
        draw(
            "drift-weeks",
            charts.drift_weeks(reading),
            "Each week's largest effect as a share of its threshold; above 100 % the week has drifted.",
            f"Largest effect of each of {len(reading.weeks)} weeks as a share of its threshold.",
        ),
    ]


def _importance(findings: Findings) -> Picture:
    strongest = max(findings.importance, key=lambda name: (findings.importance[name], name))
    return draw(
        "importance",
        charts.importance(findings.importance),
        "Each feature's share of the gain of all splits.",
        f"Importance of {len(findings.importance)} features; {strongest} is the strongest "
        f"with {_percent(findings.importance[strongest])} of the gain.",
    )


def _staleness(findings: Findings) -> Picture:
    ages = findings.study["staleness"]["ages"]
    above = ages[-1]["above_freshest"]["value"]
    return draw(
        "staleness",
        charts.staleness(ages),
        "Log loss above that of the freshest model for the same months, by the months since training, with intervals.",
        f"Log loss added by age; after {ages[-1]['age']} months it is {above:+.4f}.",
    )


def _budget(findings: Findings) -> list[dict[str, Any]]:
    judgement = findings.judgement("budget")
    measured = {**judgement.figures, **findings.observed.get("budget", {})}
    if "model_bytes" in measured:
        measured["model_bytes"] = measured["model_bytes"] / _MIB
    return [
        {
            "what": what,
            "unit": unit,
            "value": measured.get(figure),
            "limit": judgement.thresholds.get(limit),
            "observed": figure not in judgement.figures,
        }
        for what, figure, limit, unit in _BUDGET
    ]
