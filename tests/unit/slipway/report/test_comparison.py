from __future__ import annotations

import pytest

from slipway.report.comparison import measures, word


@pytest.mark.parametrize(
    ("measure", "low", "high", "said"),
    [
        ("auc", 0.01, 0.02, "better"),
        ("auc", -0.02, -0.01, "worse"),
        ("log_loss", 0.01, 0.02, "worse"),
        ("log_loss", -0.02, -0.01, "better"),
        ("brier", -0.02, -0.01, "better"),
        ("auc", -0.01, 0.01, "no significant difference"),
        ("auc", 0.0, 0.01, "no significant difference"),
        ("log_loss", -0.01, 0.0, "no significant difference"),
    ],
)
def test_the_interval_decides_the_word(measure: str, low: float, high: float, said: str) -> None:
    assert word(measure, {"value": (low + high) / 2, "low": low, "high": high}) == said


def test_without_a_champion_there_is_no_change_and_no_word() -> None:
    overall = {"log_loss": {"value": 0.4, "low": 0.3, "high": 0.5}, "auc": {"value": 0.8, "low": 0.7, "high": 0.9}}
    found = measures(overall, {"champion": None})
    assert [(entry.name, entry.change, entry.word) for entry in found] == [("auc", None, ""), ("log_loss", None, "")]


def test_a_measure_that_the_champion_lacks_has_no_word() -> None:
    estimate = {"value": 0.8, "low": 0.7, "high": 0.9}
    found = measures({"auc": estimate, "brier": estimate}, {"champion": "a" * 64, "auc": estimate})
    assert [(entry.name, entry.change, entry.word) for entry in found] == [
        ("auc", estimate, "better"),
        ("brier", None, ""),
    ]
