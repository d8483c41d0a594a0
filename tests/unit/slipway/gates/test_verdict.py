"""Evidence is the same on every machine: rounded, and without what differs from run to run."""

from __future__ import annotations

from slipway.gates.verdict import Verdict, rounded


def test_rounding_reaches_into_everything_and_spares_what_is_no_float() -> None:
    value = {"a": [0.123456789, True, None, "x", 7], "b": {"c": (1234567.0, 1e-9)}}
    assert rounded(value) == {"a": [0.123457, True, None, "x", 7], "b": {"c": [1234570.0, 1e-9]}}


def test_what_is_not_finite_is_null() -> None:
    assert rounded({"a": float("nan"), "b": [float("inf")]}) == {"a": None, "b": [None]}


def test_last_bits_of_a_sum_do_not_show() -> None:
    assert rounded(0.1 + 0.2) == rounded(0.3)


def test_evidence_leaves_out_what_was_observed() -> None:
    verdict = Verdict("budget", True, "Fine.", {"trees": 3}, {"max_trees": 5}, {"single_row_ms": 0.123})
    assert verdict.as_evidence() == {
        "gate": "budget",
        "passed": True,
        "reason": "Fine.",
        "figures": {"trees": 3},
        "thresholds": {"max_trees": 5},
    }
