from __future__ import annotations

import json

from slipway.drift.reading import Reading, Trial, Week, from_json, summarised

WEEK = Week("2013-01-07..2013-01-13", "judged", {"a": 0.5, "b": 0.2, "c": 0.9}, {"a": 0.1}, dict.fromkeys("abc", 0.4))
TRIALS = [
    Trial("stuck", True, "a", True),
    Trial("stuck", True, "a", False),
    Trial("stuck", True, "b", True),
    Trial("moved", False, "a", False),
]


def test_drifted_names_the_furthest_first() -> None:
    assert WEEK.drifted() == ["c", "a"]


def test_an_effect_at_its_threshold_has_not_drifted() -> None:
    assert Week("w", "judged", {"a": 0.4}, {}, {"a": 0.4}).drifted() == []


def test_power_counts_by_kind_and_target() -> None:
    moved, stuck = summarised(TRIALS)
    assert (moved.kind, moved.required, moved.noticed, moved.injected) == ("moved", False, 0, 1)
    assert (stuck.noticed, stuck.injected, stuck.by_target) == (2, 3, {"a": (1, 2), "b": (1, 1)})


def test_json_round_trip() -> None:
    reading = Reading("nearest", 12, (WEEK,), summarised(TRIALS))
    assert from_json(json.loads(json.dumps(reading.as_json()))) == reading
