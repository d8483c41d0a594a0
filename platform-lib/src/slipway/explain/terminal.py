"""An explanation for a person at a terminal: the answer and the reasons first, then the whole way to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slipway.explain.explanation import Explanation, Step
from slipway.explain.question import Checked, RequestRefused

_BAR = 16
_REASONS = 6
_UP, _DOWN = "dark_orange", "dodger_blue2"


def show(found: Explanation, console: Console) -> None:
    """Print the explanation."""
    console.print(Group(*_answer(found)))
    parts: dict[str, RenderableType] = {
        f"1  The request keeps all {len(found.checked)} rules": fields(found.checked),
        f"2  {len(found.features)} features are made of it": _features(found),
        f"3  {len(found.cumulative)} trees are summed": _trees(found),
        "4  What each feature adds to the sum (TreeSHAP), the largest first": _contributions(found),
        "5  From the sum to the decision": _decision(found),
    }
    for title, part in parts.items():
        console.print(f"\n[bold]{title}[/bold]")
        console.print(Padding(part, (0, 0, 0, 3)))


def show_refusal(refused: RequestRefused, console: Console) -> None:
    """Print each field with what it breaks."""
    console.print(f"[bold]The request ({escape(refused.source)}) is refused:[/bold] nothing is computed from it")
    if refused.checked:
        console.print(Padding(fields(refused.checked), (0, 0, 0, 3)))
    for breach in refused.others:
        console.print(f"   [red]✗ {escape(str(breach))}[/red]")


def fields(checked: Sequence[Checked]) -> Table:
    """Each field with its value, its rule, and what it breaks."""
    table = _table("", "field", "value", "rule")
    for entry in checked:
        if not entry.breaches:
            table.add_row("[green]✓[/green]", escape(entry.field.name), escape(shown(entry.value)), escape(entry.rule))
            continue
        absent = any(breach.rule == "required" for breach in entry.breaches)
        value = "(personal)" if entry.field.logged is not None else "–" if absent else shown(entry.value)
        broken = "; ".join(f"{breach.message} (rule {breach.rule})" for breach in entry.breaches)
        table.add_row("[red]✗[/red]", escape(entry.field.name), escape(value), f"[red]{escape(broken)}[/red]")
    return table


def why(found: Explanation) -> list[str]:
    """The strongest reasons, as sentences; each goes on from where the one before it led."""
    return [_reason(found, step) for step in found.steps()[:_REASONS] if step.feature.contribution]


def _answer(found: Explanation) -> Iterable[RenderableType]:
    release, side = found.release, "reaches" if found.decision else "stays below"
    title, source = escape(str(release.card["title"])), escape(found.question.source)
    yield f"[bold]{title}[/bold]  release {release.digest[:12]}, {source}"
    yield ""
    answer = f"{release.score_name} {found.score!r} {side} the threshold {release.threshold:.6g}"
    yield f"[bold]{answer}: {release.decision_name} = {'true' if found.decision else 'false'}[/bold]"
    yield _costs(found)
    if found.question.recorded is not None:
        yield f"The same score, to the last bit, was served at {found.question.recorded.time}."
    yield ""
    yield f"Why: before it looks at a request, the model expects {found.steps()[0].before:.1%}. What moves it most:"
    for sentence in why(found):
        yield Text(f"  {sentence}")


def _costs(found: Explanation) -> str:
    acting, waiting = found.costs.acting(found.score), found.costs.waiting(found.score)
    better = "acting" if found.decision else "waiting"
    currency = found.release.card["kpi"]["currency"]
    return (
        f"At this score acting costs {acting:.2f} {currency} on average and waiting {waiting:.2f}: {better} is cheaper."
    )


def _reason(found: Explanation, step: Step) -> str:
    feature, told = step.feature, {entry.field.name: entry.field for entry in found.checked}
    sign = "▲" if feature.contribution > 0 else "▼"
    given = ", ".join(f"{name} = {shown(value)} {told[name].unit}".strip() for name, value in feature.given.items())
    about = told[feature.name].about if list(feature.given) == [feature.name] else ""
    named = given if about else f"{feature.name} of {given}"
    missing = ", missing," if feature.missing else ""
    return f"{sign} {named}{missing}{f' ({about})' if about else ''}: from {step.before:.1%} to {step.after:.1%}"


def _features(found: Explanation) -> Table:
    table = _table("feature", "value", "from the fields")
    for feature in found.features:
        given = ", ".join(f"{name}={shown(value)}" for name, value in feature.given.items())
        value = "[yellow]missing[/yellow]" if feature.missing else shown(feature.value)
        table.add_row(feature.name, value, escape(given))
    return table


def _trees(found: Explanation) -> Group:
    count = len(found.cumulative)
    marks = sorted({1, *(max(1, round(count * share)) for share in (0.1, 0.25, 0.5, 0.75)), count})
    sums = _table("after tree", "sum so far", "")
    largest = max(abs(value) for value in found.cumulative)
    for mark in marks:
        value = found.cumulative[mark - 1]
        sums.add_row(str(mark), f"{value:+.6f}", _bar(value, largest))
    walked = _table("tree", "leaf", "moves by", "because")
    for path in found.paths:
        walked.add_row(
            str(path.tree + 1), str(path.leaf), f"{path.moved:+.4f}", escape("; ".join(path.conditions) or "always")
        )
    return Group(sums, "", "The trees that move it most, and the way through each:", walked)


def _contributions(found: Explanation) -> Table:
    table = _table("feature", "adds", "", "odds", "score then")
    largest = max((abs(feature.contribution) for feature in found.features), default=0.0)
    steps = found.steps()
    table.add_row("expected", f"{found.expected:+.4f}", "", "", f"{steps[0].before:.4f}")
    for step in steps:
        adds = step.feature.contribution
        table.add_row(
            step.feature.name, f"{adds:+.4f}", _bar(adds, largest), f"×{step.feature.odds:.2f}", f"{step.after:.4f}"
        )
    return table


def _decision(found: Explanation) -> Table:
    release, table = found.release, _table("", "")
    table.show_header = False
    table.add_row("sum of all trees (raw score)", repr(found.raw))
    table.add_row("link function", found.objective)
    table.add_row(release.score_name, f"[bold]{found.score!r}[/bold]")
    costs = ", ".join(f"{name} {cost:g}" for name, cost in vars(found.costs).items())
    table.add_row("threshold, from the costs", f"{release.threshold!r}  ({costs} {release.card['kpi']['currency']})")
    table.add_row(release.decision_name, f"[bold]{'true' if found.decision else 'false'}[/bold]")
    return table


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table


def _bar(value: float, largest: float) -> Text:
    """A bar to the right of the middle for what raises, to the left for what lowers."""
    length = round(_BAR * abs(value) / largest) if largest else 0
    if value < 0:
        return Text(" " * (_BAR - length) + "█" * length + "│" + " " * _BAR, style=_DOWN)
    return Text(" " * _BAR + "│" + "█" * length + " " * (_BAR - length), style=_UP)


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "null"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return str(value)
