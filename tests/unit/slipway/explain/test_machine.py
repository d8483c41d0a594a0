from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from slipway.contracts.request import Breach
from slipway.contracts.signature import Field
from slipway.explain import Explanation, Question, RequestRefused, explain, machine
from slipway.explain.question import Checked
from slipway.files import canonical_json
from slipway.release import Release
from tests.live_server import rows


def test_every_bit_of_the_score_survives(found: Explanation) -> None:
    told = json.loads(canonical_json(machine.as_json(found)))
    assert told["decision"]["late_probability"] == told["link"]["score"] == found.score
    assert told["decision"]["late"] is found.decision
    assert told["trees"]["cumulative_raw_score"][-1] == told["link"]["raw_score"] == found.raw
    assert told["contributions"]["sum"] == pytest.approx(found.raw, abs=1e-9)
    assert [entry["feature"] for entry in told["features"]] == found.release.feature_names
    assert told["recorded"] is None


def test_a_missing_feature_is_null(release: Release) -> None:
    row = rows(release.fields, 1, seed=1)[0] | {"recent_delay": None}
    told = json.loads(canonical_json(machine.as_json(explain(release, Question("a row", row)))))
    (entry,) = (entry for entry in told["features"] if entry["feature"] == "recent_delay")
    assert (entry["value"], entry["missing"], entry["from"]) == (None, True, {"recent_delay": None})
    assert math.isfinite(entry["contribution"])


def test_a_refusal_names_rules_and_keeps_personal_values_to_itself(release: Release) -> None:
    field = Field("customer", "integer", maximum=9, logged="dropped")
    breach = Breach("customer", "maximum", 0, "the value breaks the rule; it is personal and not shown")
    entry = Checked(field, 12345, "integer up to 9", [breach])
    told = machine.refusal(RequestRefused("body", [entry], [replace(breach, field="x")]), release)
    assert told["valid"] is False
    assert [entry["field"] for entry in told["breaches"]] == ["customer", "x"]
    assert "12345" not in json.dumps(told)
