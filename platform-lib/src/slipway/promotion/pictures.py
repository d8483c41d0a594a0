"""The pictures of a promotion: SVG that stands alone, in the report's colours, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

import altair as alt

from slipway.promotion.proof import Moved, Proof
from slipway.report import charts
from slipway.report.pictures import ACCENT, MUTED, SECOND, Chart, Picture, draw

_STYLE = resources.files("slipway.report") / "templates/style.css"
_NEAREST, _MOST_SLICES = 15, 20
_ROOM = 20


def pictures(proof: Proof, champion: Proof | None) -> dict[str, Picture]:
    """The pictures of what a release's evidence holds, by the name of the file that each belongs in."""
    return dict(_pictures(proof, champion))


def standalone(picture: Picture) -> bytes:
    """A picture as a file of its own; equal pictures give equal bytes."""
    light, dark = re.findall(r":root\{\n?(.*?)\}", _STYLE.read_text(encoding="utf-8"), re.DOTALL)[:2]
    style = f"svg{{{light}background:var(--paper);font-family:sans-serif}}"
    style += f"@media (prefers-color-scheme:dark){{svg{{{dark}}}}}"
    head, end, rest = re.sub(r'viewBox="0 0 (\d+) (\d+)"', _margin, str(picture.svg), count=1).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"{end}<style>{style}</style>{rest}\n'.encode()


def _margin(box: re.Match[str]) -> str:
    """A box with room for letters that are wider than those that the picture was measured with."""
    width, height = int(box[1]), int(box[2])
    return f'viewBox="{-_ROOM} 0 {width + 2 * _ROOM} {height}"'


def _pictures(proof: Proof, champion: Proof | None) -> Iterator[tuple[str, Picture]]:
    groups = proof.verdicts.get("calibration", {}).get("figures", {}).get("reliability")
    if groups:
        yield "reliability.svg", _reliability(groups)
    moved = proof.moved(champion) if champion is not None else []
    if moved:
        yield "slices.svg", _slices(moved[:_MOST_SLICES])
    if proof.drift is not None and proof.drift.with_role("judged"):
        yield "drift.svg", _drift(proof)
        yield "weeks.svg", _weeks(proof)


def _reliability(groups: list[dict[str, float]]) -> Picture:
    gap = max(abs(group["score"] - group["rate"]) for group in groups)
    return draw(
        "reliability",
        charts.reliability(groups),
        f"Observed rate against mean score in {len(groups)} groups; dashed: perfect calibration.",
        f"Reliability curve of {len(groups)} groups; the largest distance from the diagonal is {gap:.3f}.",
    )


def _slices(moved: list[Moved]) -> Picture:
    return draw(
        "slices",
        slice_excess(moved),
        f"Log loss of the {len(moved)} slices that moved most, above that of each slice's past rate; left is better.",
        f"{moved[0].name} moved most, by {moved[0].by:+.4f}.",
    )


def slice_excess(moved: list[Moved]) -> Chart:
    """Each slice's log loss above that of its past rate, for champion and challenger."""
    rows = [
        {"slice": each.name, "excess": excess, "of": of}
        for each in moved
        for of, excess in zip(("champion", "challenger"), each.excess, strict=True)
    ]
    names = alt.Y("slice", type="nominal", title=None, sort=[each.name for each in moved], axis=alt.Axis(grid=True))
    across = alt.X("excess", type="quantitative", title="log loss above the past rate's", axis=alt.Axis(tickCount=6))
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=names)
    gaps = base.mark_line(color=MUTED).encode(x=across, detail="slice:N")
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=["champion", "challenger"], range=[SECOND, ACCENT]),
        legend=alt.Legend(title=None),
    )
    points = base.mark_circle(size=55, opacity=1).encode(x=across, color=colour)
    return alt.LayerChart(layer=[gaps, points]).properties(height=alt.Step(15))


def _drift(proof: Proof) -> Picture:
    assert proof.drift is not None
    rows = charts.nearest(proof.drift)[:_NEAREST]
    return draw(
        "drift",
        charts.drift_effects(rows),
        f"Effect (dot) and threshold (bar) of the {len(rows)} figures that come nearest to drifting.",
        f"{rows[0]['figure']} comes nearest to its threshold.",
    )


def _weeks(proof: Proof) -> Picture:
    assert proof.drift is not None
    return draw(
        "weeks",
        charts.drift_weeks(proof.drift),
        "Each week's largest effect as a share of its threshold; above 100 % the week has drifted.",
        f"Largest effect of each of {len(proof.drift.weeks)} weeks as a share of its threshold.",
    )
