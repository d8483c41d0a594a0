"""A status and the history of roll-outs as one HTML page, in the clothes of the report.

It needs no network and no JavaScript. Whatever comes from Git or from the cluster is escaped by the templates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import altair as alt
from markupsafe import Markup

from slipway.canary.comparison import Finding
from slipway.canary.history import Event
from slipway.errors import printable
from slipway.files import replacing
from slipway.rendering.served import image_digits
from slipway.report.page import environment
from slipway.report.pictures import ACCENT, BAD, GOOD, INK, SECOND, Chart, Picture, draw
from slipway.status import terminal
from slipway.status.machine import moment
from slipway.status.rollouts import Past, seconds
from slipway.status.standing import Standing, Status, evidence, stage, state, verdict

_ASPECTS = {"errors": (ACCENT, "circle"), "latency": (SECOND, "diamond"), "scores": (INK, "square")}
_OTHERS = (GOOD, "triangle-up")
# An e-value is drawn between these shares of its threshold: the least say nothing more, nor do the largest.
_LEAST, _MOST = 1e-4, 1e3
_NOW = "now"


@dataclass(frozen=True)
class Stay:
    """One thing that happened to a release, and how long it had the weight that it then got, in words."""

    event: Event
    lasted: str


@dataclass(frozen=True)
class Story:
    """A roll-out as the page tells it; ``picture`` is None where no evidence is known."""

    past: Past
    anchor: str
    stays: tuple[Stay, ...]
    picture: Picture | None


def write(status: Status, now: datetime, target: Path) -> None:
    """Write the page to ``target``, whole or not at all.

    Raises:
        EnvironmentFault: when it cannot be written.
    """
    page = render(status, now)
    with replacing(target.absolute()) as staged:
        staged.write_text(page, encoding="utf-8")


def render(status: Status, now: datetime) -> str:
    """The page as HTML."""
    templates = environment("slipway.status")
    templates.finalize = _visible
    templates.filters |= {
        "moment": moment,
        "digits": terminal.digits,
        "image_digits": image_digits,
        "evidence": evidence,
    }
    templates.globals |= {"stage": stage, "state": state, "verdict": verdict}
    stories = {standing.place: tuple(_stories(standing, now)) for standing in status.standings}
    return templates.get_template("status.html").render(
        status=status,
        now=now,
        stories=stories,
        runs=lambda readiness: terminal.runs(readiness, now),
        progress=lambda standing: terminal.progress(standing, now),
    )


def _visible(value: object) -> object:
    """Others' words without characters that hide or turn what follows."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _stories(standing: Standing, now: datetime) -> Iterator[Story]:
    for number, past in enumerate(standing.past):
        anchor = f"{standing.environment}-{standing.model}-{len(standing.past) - number}"
        lasted = seconds(past, now)
        stays = tuple(
            Stay(event, terminal.duration(span) if span is not None else "")
            for event, span in zip(past.events, lasted, strict=True)
        )
        looks = [(f"{number}. {event.action}", event.evidence) for number, event in enumerate(past.events, start=1)]
        if past.outcome == "under way" and standing.seen.decision is not None:
            looks.append((_NOW, standing.seen.decision.findings))
        yield Story(past, anchor, stays, _picture(anchor, past, looks))


def _picture(anchor: str, past: Past, looks: Sequence[tuple[str, Sequence[Finding]]]) -> Picture | None:
    rows = [
        {"look": name, "aspect": finding.aspect, "share": _share(finding)} for name, found in looks for finding in found
    ]
    if not rows:
        return None
    highest = max((finding for _, found in looks for finding in found), key=_share)
    return draw(
        anchor,
        _evidence(rows),
        "E-values as shares of their thresholds, at each decision; at the dashed line the challenger is worse.",
        f"Evidence against {past.release[:12]} at {len({row['look'] for row in rows})} decisions; the highest is of "
        f"{highest.aspect}: an e-value of {highest.e_value:.3g}, with a threshold of {highest.threshold:.3g}.",
    )


def _share(finding: Finding) -> float:
    return min(max(finding.e_value / max(finding.threshold, 1.0), _LEAST), _MOST)


def _evidence(rows: list[dict[str, object]]) -> Chart:
    looks = list(dict.fromkeys(str(row["look"]) for row in rows))
    aspects = {row["aspect"]: _ASPECTS.get(str(row["aspect"]), _OTHERS) for row in rows}
    x = alt.X("look", type="nominal", title=None, sort=looks, axis=alt.Axis(labelAngle=-30, ticks=False))
    y = alt.Y(
        "share", type="quantitative", title="e-value, share of its threshold",
        scale=alt.Scale(type="log", domain=[_LEAST, _MOST], clamp=True),
        axis=alt.Axis(format="~g", values=[10.0**power for power in range(-4, 4)]),
    )  # fmt: skip
    names = [str(name) for name in aspects]
    colour = alt.Color(
        "aspect", type="nominal", legend=alt.Legend(title=None, orient="top"),
        scale=alt.Scale(domain=names, range=[colour for colour, _ in aspects.values()]),
    )  # fmt: skip
    shape = alt.Shape(
        "aspect", type="nominal", scale=alt.Scale(domain=names, range=[form for _, form in aspects.values()])
    )
    data = alt.InlineData(values=rows)
    lines = alt.Chart(data).mark_line(strokeWidth=1.5, opacity=0.7).encode(x=x, y=y, color=colour)
    points = alt.Chart(data).mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y, color=colour, shape=shape)
    limit = alt.Chart(alt.InlineData(values=[{"at": 1.0}])).mark_rule(color=BAD, strokeDash=[4, 4]).encode(
        y=alt.Y("at", type="quantitative")
    )  # fmt: skip
    return alt.LayerChart(layer=[lines, points, limit]).properties(height=200)
