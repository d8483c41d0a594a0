"""An explanation as one HTML page that needs no network and no JavaScript, in the clothes of the report."""

from __future__ import annotations

from pathlib import Path

import altair as alt

from slipway.explain import terminal
from slipway.explain.explanation import Explanation
from slipway.files import replacing
from slipway.report.page import environment
from slipway.report.pictures import ACCENT, INK, SECOND, Picture, draw

_ROW = 22


def write(found: Explanation, target: Path) -> None:
    """Write the page to ``target``, whole or not at all.

    Raises:
        EnvironmentFault: when it cannot be written.
    """
    page = render(found)
    with replacing(target.absolute()) as staged:
        staged.write_text(page, encoding="utf-8")


def render(found: Explanation) -> str:
    """The page as HTML."""
    templates = environment("slipway.explain")
    templates.filters["value"] = terminal.shown
    return templates.get_template("explanation.html").render(
        found=found, release=found.release, reasons=terminal.why(found), pictures=[_contributions(found), _trees(found)]
    )


def _contributions(found: Explanation) -> Picture:
    """How the score goes from what is expected to this answer, a feature at a time."""
    rows = [
        {"feature": step.feature.name, "from": step.before, "to": step.after, "word": _word(step.feature.contribution)}
        for step in found.steps()
    ]
    order = [step.feature.name for step in found.steps()]
    bars = alt.Chart(alt.InlineData(values=rows)).mark_bar().encode(
        x=alt.X("from", type="quantitative", title=found.release.score_name, scale=alt.Scale(zero=False)),
        x2="to",
        y=alt.Y("feature", type="nominal", title=None, sort=order, axis=alt.Axis(ticks=False)),
        color=alt.Color(
            "word", type="nominal", scale=alt.Scale(domain=["raises", "lowers"], range=[SECOND, ACCENT]),
            legend=alt.Legend(title=None, orient="top"),
        ),
    )  # fmt: skip
    limit = alt.Chart(alt.InlineData(values=[{"at": found.release.threshold}])).mark_rule(
        color=INK, strokeDash=[4, 4]
    ).encode(x=alt.X("at", type="quantitative"))  # fmt: skip
    chart = alt.LayerChart(layer=[bars, limit]).properties(height=alt.Step(_ROW))
    caption = "What each feature adds, the largest first; dashed: the threshold of the decision."
    return draw(
        "contributions", chart, caption, f"From {rows[0]['from']:.3f} to {found.score:.3f} by {len(rows)} features."
    )


def _trees(found: Explanation) -> Picture:
    rows = [{"tree": number, "sum": value} for number, value in enumerate(found.cumulative, start=1)]
    line = alt.Chart(alt.InlineData(values=rows)).mark_line(color=ACCENT).encode(
        x=alt.X("tree", type="quantitative", title="trees summed"),
        y=alt.Y("sum", type="quantitative", title="raw score", scale=alt.Scale(zero=False)),
    )  # fmt: skip
    chart = alt.LayerChart(layer=[line]).properties(height=200)
    label = f"The raw score after each of {len(rows)} trees ends at {found.raw:.4f}."
    return draw("trees", chart, "The sum after each tree.", label)


def _word(contribution: float) -> str:
    return "raises" if contribution > 0 else "lowers"
