from __future__ import annotations

import re

import pytest

from slipway.report import charts
from slipway.report.pictures import Chart, draw
from tests.report.toy_run import metrics, reading, study


def texts(chart: Chart) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", draw("x", chart, "", "").svg)


def test_importance_is_in_order_of_share() -> None:
    names = [text for text in texts(charts.importance({"a": 0.1, "b": 0.7, "c": 0.2})) if text in "abc"]
    assert names == ["b", "c", "a"]


def test_ages_are_whole_months() -> None:
    said = texts(charts.staleness(study()["staleness"]["ages"]))
    assert {"months since training", "log loss added", "1", "2", "3"} <= set(said)
    assert "1.5" not in said


def test_groups_are_in_natural_order_and_those_without_the_measure_are_left_out() -> None:
    estimate = {"value": 0.7, "low": 0.6, "high": 0.8}
    groups = [{"group": name, "auc": estimate, "rate": 0.1, "score": 0.2} for name in ("10", "9", "100")]
    groups.append({"group": "none", "rate": 0.0, "score": 0.2})
    measured = texts(charts.group_measure(groups, "auc", 0.7, "AUC"))
    assert [text for text in measured if text in ("9", "10", "100", "none")] == ["9", "10", "100"]
    rated = texts(charts.group_rate(groups))
    assert [text for text in rated if text in ("9", "10", "100", "none")] == ["9", "10", "100", "none"]


def test_costs_name_both_ends_and_the_currency() -> None:
    points = [{"threshold": at / 10, "cost": 1000.0 + at} for at in range(11)]
    said = texts(charts.costs(points, metrics()["kpi"], "EUR per 1,000 cases"))
    assert {"always acting", "never acting", "EUR per 1,000 cases"} <= set(said)


@pytest.mark.parametrize(("effect", "colour"), [(0.6, "--bad"), (0.4, "--accent")])
def test_a_figure_above_its_threshold_stands_out(effect: float, colour: str) -> None:
    svg = draw("x", charts.drift_effects([{"figure": "f", "effect": effect, "threshold": 0.5}]), "", "").svg
    legend = 1
    both = {name: svg.count(f'fill="var({name})"') - legend for name in ("--bad", "--accent")}
    assert both == {"--bad": 0, "--accent": 0} | {colour: 1}


def test_every_week_is_a_point() -> None:
    svg = draw("x", charts.drift_weeks(reading()), "", "").svg
    assert {"training week", "later week", "judged week"} <= set(texts(charts.drift_weeks(reading())))
    points = {name: svg.count(f'fill="var({name})"') for name in ("--second", "--accent")}
    assert points == {"--second": 1 + 1, "--accent": 3 + 1}


def test_the_ratio_to_a_threshold_of_nothing_is_all_or_nothing() -> None:
    assert (charts.ratio(0.2, 0.4), charts.ratio(0.0, 0.0), charts.ratio(0.1, 0.0)) == (0.5, 0.0, 1.0)
