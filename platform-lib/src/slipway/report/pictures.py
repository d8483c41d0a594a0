"""From a chart to an inline SVG that takes the page's colours, light or dark, and its width."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import altair as alt
import vl_convert
from markupsafe import Markup, escape

Chart: TypeAlias = "alt.Chart | alt.LayerChart"

WIDTH = 350
# Each stands for a CSS variable of the page: an SVG cannot know whether the reader's screen is dark.
INK, MUTED, GRID, ACCENT, SECOND, GOOD, BAD, PAPER = (f"#0f0e0{digit}" for digit in range(8))
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    ACCENT: "--accent",
    SECOND: "--second",
    GOOD: "--good",
    BAD: "--bad",
    PAPER: "--paper",
}
_CONFIG = {
    "aria": False,
    "background": "transparent",
    "font": "sans-serif",
    "padding": 6,
    "view": {"stroke": GRID},
    "axis": {
        "labelColor": MUTED,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 12,
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
        "labelLimit": 150,
        "labelFlush": False,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 300,
        "columnPadding": 14,
        "offset": 6,
    },
    "text": {"color": INK, "fontSize": 12},
}


@dataclass(frozen=True)
class Picture:
    """An SVG with its caption; ``label`` says in words what it shows, for those who cannot see it."""

    svg: Markup
    caption: str
    label: str


def draw(name: str, chart: Chart, caption: str, label: str) -> Picture:
    """Draw ``chart``; ``name`` must be its own on the page, for the ids in it begin with it."""
    sized = chart.properties(width=WIDTH, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    specification = sized.to_dict() | {"config": _CONFIG}
    svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    return Picture(_inlined(svg, name, label), caption, label)


def _inlined(svg: str, name: str, label: str) -> Markup:
    svg = _own_ids(svg, name)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f'"{colour}"', f'"var({variable})"')
    svg = re.sub(r' (xmlns(:xlink)?|version)="[^"]*"', "", svg)
    svg = re.sub(r' (class|role|aria-[a-z]+|pointer-events|font-family)="[^"]*"', "", svg)
    svg = re.sub(r"(\d\.\d\d)\d{3,}", r"\1", svg)
    # Vega escapes text; a test holds it to that.
    head = f'<svg role="img" aria-label="{escape(label)}"'
    return Markup(svg.replace("<svg", head, 1))


def _own_ids(svg: str, name: str) -> str:
    """Vega numbers its ids over the life of a process; number them by their order in this picture."""
    found = list(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))
    for order, vega in enumerate(found):
        own = f"{name}-{order}"
        svg = svg.replace(f'id="{vega}"', f'id="{own}"').replace(f"url(#{vega})", f"url(#{own})")
    return svg
