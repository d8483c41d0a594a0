from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from slipway.drift.settings import Settings, read
from slipway.errors import UsageError
from slipway.gates.drift import Thresholds


def test_good_values_become_the_block(settings: Settings) -> None:
    assert read(Settings, asdict(settings), "check_drift") == settings


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"judged_week": 4}, r"check_drift\.judged_week is not a known key"),
        ({"judged_weeks": 0}, r"check_drift\.judged_weeks is 0, not >= 1"),
        ({"material_effect": 0.25}, r"check_drift\.material_effect is 0\.25, not < 0\.25"),
        ({"power_every": "4"}, r"check_drift\.power_every is '4', not a int"),
        ({"power_every": True}, r"check_drift\.power_every is True"),
    ],
)
def test_a_wrong_key_or_value_is_named(settings: Settings, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(Settings, asdict(settings) | change, "check_drift")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UsageError, match=r"gates\.drift\.min_power is missing"):
        read(Thresholds, {"max_false_alarm_rate": 0.05, "min_null_weeks": 40, "min_injected": 50}, "gates.drift")


def test_no_block_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="check_drift is None, not a block"):
        read(Settings, None, "check_drift")  # type: ignore[arg-type]


def test_the_gate_cannot_be_made_lax() -> None:
    lax = {"max_false_alarm_rate": 0.5, "min_null_weeks": 40, "min_power": 0.1, "min_injected": 50}
    with pytest.raises(UsageError, match=r"max_false_alarm_rate is 0\.5.*min_power is 0\.1"):
        read(Thresholds, lax, "gates.drift")
