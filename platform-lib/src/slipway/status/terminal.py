"""A status for a person at a terminal: one line for each model in each environment, then what there is to say of it.

What comes from Git or from the cluster is printed as it is: no markup, and nothing that a terminal obeys.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Readiness
from slipway.errors import printable
from slipway.release.record import Published, Record
from slipway.rendering.served import image_digits
from slipway.status.machine import moment
from slipway.status.standing import Standing, Status, evidence, stage, state, verdict

_COLOURS = {Action.HOLD: "yellow", Action.ROLL_BACK: "red", Action.ADVANCE: "green", Action.PROMOTE: "green"}
_NARROW = 80
_INDENT = (0, 0, 0, 3)


def shown(status: Status, now: datetime, width: int) -> RenderableType:
    """The whole status, as Rich prints it on a terminal of so many columns."""
    parts: list[RenderableType] = [_overview(status, narrow=width < _NARROW)]
    for standing in status.standings:
        lines = list(_lines(standing, now))
        if lines:
            parts += ["", Text(standing.place, style="bold"), *(Padding(line, _INDENT) for line in lines)]
    if status.unasked:
        parts += ["", Text("Not asked", style="bold")]
        parts += [Padding(text(f"{each.who}: {each.why}", "yellow"), _INDENT) for each in status.unasked]
    parts += ["", text(f"main of {status.remote} is {status.commit[:12]}", "dim")]
    return Group(*parts)


def text(said: str, style: str = "") -> Text:
    """Words of others, without what a terminal would obey."""
    return Text(printable(said), style=style)


def digits(published: Published | None, record: Record | None = None) -> str:
    """A release as people call it; with some of its image where ``record`` says that the release is in two of them."""
    if published is None:
        return "–"
    both = (record.champion, record.challenger) if record is not None else ()
    twice = len([it for it in both if it is not None and it.release == published.release]) == 2
    short = published.release[:12]
    return f"{short} {image_digits(published.image or '')[:6]}" if twice else short


def duration(seconds: float) -> str:
    """A span of time, for people."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _overview(status: Status, narrow: bool) -> Table:
    table = _table("", "champion", "challenger", "weight", "")
    for standing in status.standings:
        record, rollout = standing.record, standing.rollout
        table.add_row(
            text(standing.place, "red" if standing.faults else ""),
            digits(record.champion if record is not None else None, record),
            digits(record.challenger if record is not None else None, record),
            f"{rollout.challenger.weight} %" if rollout is not None else "",
            state(standing),
        )
    table.columns[0].no_wrap = not narrow
    return table


def _lines(standing: Standing, now: datetime) -> Iterator[RenderableType]:
    seen, rollout = standing.seen, standing.rollout
    for fault in standing.faults:
        yield text(fault, "red")
    if rollout is not None:
        yield text(verdict(standing), _COLOURS.get(seen.decision.action, "") if seen.decision is not None else "yellow")
        yield text(progress(standing, now))
        if seen.decision is not None and seen.decision.findings:
            yield _findings(seen.decision)
            for finding in seen.decision.findings:
                yield text(f"{finding.aspect}: {evidence(finding)}; {finding.said}")
    for role, readiness in (("challenger", seen.challenger), ("champion", seen.champion)):
        if readiness is not None:
            yield text(f"{role}: {runs(readiness, now)}", "red" if readiness.complaint else "")
    if seen.application is not None:
        told = seen.application
        settled = (told.sync, told.health) == ("Synced", "Healthy")
        message = f"; {told.message}" if told.message and not settled else ""
        yield text(f"Argo CD: {told.sync}, {told.health}{message}", "" if settled else "yellow")
    for rejected in standing.record.rejected if standing.record is not None else ():
        what = f"{digits(rejected)} in image {image_digits(rejected.image)}"
        yield text(f"rejected {what} at {moment(rejected.at)}: {rejected.reason}")


def progress(standing: Standing, now: datetime) -> str:
    """Where a roll-out that is under way is, since when, and how many requests or pairs it has of those it takes."""
    rollout = standing.rollout
    assert rollout is not None
    at, seen = f"{stage(standing)} since {moment(rollout.stepped)}", standing.seen
    said = f"{at}, {duration((now - rollout.stepped).total_seconds())}, began {moment(rollout.began)}"
    if standing.step is not None:
        return f"{said}; {_of(seen.requests, standing.step.requests)} requests"
    if standing.shadow is not None:
        return f"{said}; {_of(seen.pairs, standing.shadow.pairs)} pairs"
    return said


def _of(so_far: int | None, wanted: int) -> str:
    return f"{'?' if so_far is None else f'{so_far:,}'} of {wanted:,}"


def _findings(decision: Decision) -> Table:
    table = _table("", "e-value", "threshold", "champion", "challenger")
    for finding in decision.findings:
        table.add_row(
            finding.aspect,
            Text(f"{finding.e_value:.3g}", style="red" if finding.worse else ""),
            f"{finding.threshold:.3g}",
            f"{finding.champion:.2%}",
            f"{finding.challenger:.2%}",
        )
    return table


def runs(readiness: Readiness, now: datetime) -> str:
    """How a release runs, in words."""
    said = [f"{readiness.ready} of {readiness.wanted} ready"]
    if readiness.stable_since is not None:
        said.append(f"for {duration((now - readiness.stable_since).total_seconds())}")
    if readiness.restarts:
        said.append(f"after {readiness.restarts} restart{'s' if readiness.restarts > 1 else ''}")
    return " ".join(said) + (f": {readiness.complaint}" if readiness.complaint else "")


def _table(*columns: str) -> Table:
    """With a first and a last column that fold where the terminal is narrow."""
    table = Table(*columns, box=None, pad_edge=False)
    first, *middle, last = table.columns
    first.overflow = last.overflow = "fold"
    last.min_width = 10
    for column in middle:
        column.no_wrap = True
    return table
