"""One function per picture; each takes figures and returns a chart. No file, no name of any model's column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt

from slipway.drift.reading import Reading
from slipway.report.pictures import ACCENT, BAD, GRID, INK, MUTED, PAPER, SECOND, Chart
from slipway.report.tables import natural

Rows = Sequence[Mapping[str, Any]]
_SQUARE = 250
_STEP = 17
_ROLES = {"training": "training week", "evaluated": "later week", "judged": "judged week"}


def _data(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def _x(field: str, title: str, **options: Any) -> alt.X:
    return alt.X(field, type="quantitative", title=title, **options)


def _y(field: str, title: str, **options: Any) -> alt.Y:
    return alt.Y(field, type="quantitative", title=title, **options)


def _names(field: str, order: Sequence[str]) -> alt.Y:
    return alt.Y(field, type="nominal", title=None, sort=list(order), axis=alt.Axis(grid=True, ticks=False))


def _share(low: float = 0, high: float = 1) -> dict[str, Any]:
    return {"scale": alt.Scale(domain=[low, high]), "axis": alt.Axis(format=".0%", tickCount=5)}


def _legend(field: str, colours: Mapping[str, str], orient: Literal["top", "bottom"] = "top") -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(field, type="nominal", scale=scale, legend=alt.Legend(title=None, orient=orient))


def _layers(*layers: alt.Chart, height: float | alt.Step) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers)).properties(height=height)


def _diagonal() -> alt.Chart:
    ends = [{"from": 0, "to": 0}, {"from": 1, "to": 1}]
    line: alt.Chart = _data(ends).mark_line(color=MUTED, strokeDash=[4, 4]).encode(x="from:Q", y="to:Q")
    return line


def _upright(at: float, colour: str = MUTED) -> alt.Chart:
    rule: alt.Chart = _data([{"at": at}]).mark_rule(color=colour, strokeDash=[4, 4]).encode(x="at:Q")
    return rule


def receiver_operating(points: Rows) -> Chart:
    """The ROC curve beside that of a coin."""
    curve = _data(points).mark_line(color=ACCENT, strokeWidth=2).encode(
        x=_x("false_positive_rate", "false positive rate", **_share()),
        y=_y("true_positive_rate", "true positive rate", **_share()),
        order="false_positive_rate:Q",
    )  # fmt: skip
    return _layers(_diagonal(), curve, height=_SQUARE)


def precision_recall(points: Rows, rate: float) -> Chart:
    """The precision-recall curve above the observed rate, which flagging at random reaches."""
    curve = _data(points).mark_line(color=ACCENT, strokeWidth=2).encode(
        x=_x("recall", "recall", **_share()), y=_y("precision", "precision", **_share()), order="recall:Q"
    )  # fmt: skip
    random = _data([{"rate": rate}]).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="rate:Q")
    return _layers(random, curve, height=_SQUARE)


def reliability(groups: Rows) -> Chart:
    """Observed rate against mean score, in groups of equal size."""
    base = _data(groups).encode(
        x=_x("score", "mean score", **_share()), y=_y("rate", "observed rate", **_share()), order="score:Q"
    )
    line = base.mark_line(color=ACCENT, strokeWidth=1.5)
    points = base.mark_point(color=ACCENT, fill=PAPER, size=45, opacity=1)
    return _layers(_diagonal(), line, points, height=_SQUARE)


def importance(shares: Mapping[str, float]) -> Chart:
    """Each feature's share of the total gain, the largest first."""
    rows = [{"feature": name, "share": share} for name, share in shares.items()]
    order = sorted(shares, key=lambda name: (-shares[name], name))
    names = alt.Y("feature", type="nominal", title=None, sort=order, axis=alt.Axis(ticks=False))
    bars = _data(rows).mark_bar(color=ACCENT).encode(
        x=_x("share", "share of gain", axis=alt.Axis(format=".0%", tickCount=5)), y=names
    )  # fmt: skip
    sized: alt.Chart = bars.properties(height=alt.Step(_STEP))
    return sized


def staleness(ages: Rows) -> Chart:
    """Log loss above the freshest model's, by age in months."""
    rows = [{"age": entry["age"], **entry["above_freshest"]} for entry in ages]
    age = _x("age", "months since training", axis=alt.Axis(tickMinStep=1, grid=False))
    spread = _data(rows).mark_rule(color=ACCENT, strokeWidth=2, opacity=0.55).encode(
        x=age, y=_y("low", "log loss added", axis=alt.Axis(tickCount=6)), y2="high"
    )  # fmt: skip
    points = _data(rows).mark_circle(color=ACCENT, size=55, opacity=1).encode(x=age, y=_y("value", "log loss added"))
    level = _data([{"at": 0}]).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="at:Q")
    return _layers(level, spread, points, height=220)


def group_measure(groups: Rows, measure: str, overall: float, title: str) -> Chart:
    """``measure`` with its interval in each group that has one, and over all groups."""
    rows = [{"group": entry["group"], **entry[measure]} for entry in groups if measure in entry]
    order = sorted((row["group"] for row in rows), key=natural)
    names = _names("group", order)
    spread = _data(rows).mark_rule(color=ACCENT, strokeWidth=2, opacity=0.55).encode(
        x=_x("low", title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6)), x2="high", y=names
    )  # fmt: skip
    points = _data(rows).mark_circle(color=ACCENT, size=55, opacity=1).encode(x=_x("value", title), y=names)
    return _layers(_upright(overall), spread, points, height=alt.Step(_STEP))


def group_rate(groups: Rows) -> Chart:
    """Observed rate and mean score of each group."""
    kinds = {"rate": "observed rate", "score": "mean score"}
    rows = [
        {"group": entry["group"], "kind": kind, "share": entry[name]}
        for entry in groups
        for name, kind in kinds.items()
    ]
    order = sorted({entry["group"] for entry in groups}, key=natural)
    names = _names("group", order)
    gaps = _data(groups).mark_rule(color=MUTED).encode(
        x=_x("rate", "rate and score", axis=alt.Axis(format=".0%", tickCount=6)), x2="score", y=names
    )  # fmt: skip
    points = _data(rows).mark_point(filled=True, size=55, opacity=1).encode(
        x=_x("share", "rate and score"),
        y=names,
        color=_legend("kind", {"observed rate": INK, "mean score": SECOND}, "bottom"),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(kinds.values()), range=["circle", "diamond"])),
    )  # fmt: skip
    return _layers(gaps, points, height=alt.Step(_STEP))


def costs(points: Rows, kpi: Mapping[str, float], unit: str) -> Chart:
    """Cost at each threshold, the chosen one marked, between never and always acting."""
    curve = _data(points).mark_line(color=ACCENT, strokeWidth=2).encode(
        x=_x("threshold", "act from a score of", **_share()),
        y=_y("cost", unit, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f", tickCount=6)),
    )  # fmt: skip
    ends = [
        {"threshold": 0.01, "cost": kpi["cost_always_acting"], "text": "always acting"},
        {"threshold": 0.99, "cost": kpi["cost_never_acting"], "text": "never acting"},
    ]
    levels = _data(ends).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="cost:Q")
    labels = [_above(_data([ends[0]]), "left"), _above(_data([ends[1]]), "right")]
    chosen = [{"threshold": kpi["threshold"], "cost": kpi["cost"]}]
    point = _data(chosen).mark_point(color=SECOND, fill=SECOND, size=70, opacity=1).encode(x="threshold:Q", y="cost:Q")
    return _layers(levels, *labels, _upright(kpi["threshold"], SECOND), curve, point, height=_SQUARE)


def _above(base: alt.Chart, align: Literal["left", "right"]) -> alt.Chart:
    text = base.mark_text(align=align, baseline="bottom", dy=-3, color=MUTED)
    placed: alt.Chart = text.encode(x="threshold:Q", y="cost:Q", text="text:N")
    return placed


def nearest(reading: Reading) -> list[dict[str, Any]]:
    """Each figure in the judged week in which it comes nearest to its threshold, the nearest first."""
    judged = reading.with_role("judged")
    figures = []
    for name in judged[-1].effects:
        pairs = [(week.effects[name], week.thresholds[name]) for week in judged]
        effect, threshold = max(pairs, key=lambda pair: ratio(*pair))
        figures.append({"figure": name, "effect": effect, "threshold": threshold, "ratio": ratio(effect, threshold)})
    return sorted(figures, key=lambda row: (-row["ratio"], row["figure"]))


def drift_effects(figures: Rows) -> Chart:
    """Each watched figure's effect and the threshold that it must stay under, the nearest to it first."""
    order = [row["figure"] for row in figures]
    names = _names("figure", order)
    rows = [{**row, "state": "drifted" if row["effect"] > row["threshold"] else "effect"} for row in figures]
    gaps = _data(rows).mark_rule(color=GRID, strokeWidth=2).encode(
        x=_x("effect", "effect, 0 to 1", axis=alt.Axis(tickCount=6)), x2="threshold", y=names
    )  # fmt: skip
    limits = _data(rows).mark_tick(color=INK, thickness=2, size=12).encode(x="threshold:Q", y=names)
    points = _data(rows).mark_circle(size=55, opacity=1).encode(
        x="effect:Q", y=names, color=_legend("state", {"effect": ACCENT, "drifted": BAD})
    )  # fmt: skip
    return _layers(gaps, limits, points, height=alt.Step(15))


def ratio(effect: float, threshold: float) -> float:
    """``effect`` as a share of its ``threshold``."""
    return effect / threshold if threshold else float(effect > 0)


def drift_weeks(reading: Reading) -> Chart:
    """Per week the figure that comes nearest to its threshold, as a share of it; at 100 % the week has drifted."""
    rows = [
        {
            "week": number,
            "ratio": max(ratio(effect, week.thresholds[name]) for name, effect in week.effects.items()),
            "role": _ROLES.get(week.role, week.role),
        }
        for number, week in enumerate(reading.weeks, start=1)
    ]
    limit = _data([{"at": 1}]).mark_rule(color=BAD, strokeDash=[4, 4]).encode(y="at:Q")
    points = _data(rows).mark_circle(size=60, opacity=1).encode(
        x=_x("week", "week of history", scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1, grid=False)),
        y=_y("ratio", "largest effect, share of threshold", axis=alt.Axis(format=".0%", tickCount=6)),
        color=_legend("role", dict(zip(_ROLES.values(), (MUTED, ACCENT, SECOND), strict=True))),
    )  # fmt: skip
    return _layers(limit, points, height=220)
