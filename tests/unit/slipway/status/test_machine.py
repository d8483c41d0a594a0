"""The status for machines: complete, and equal bytes from equal states."""

from __future__ import annotations

import json
from datetime import timedelta

from slipway.canary.observation import Readiness
from slipway.files import canonical_json
from slipway.status import machine
from slipway.status.rollouts import grouped
from slipway.status.standing import Seen, Status, Unasked
from tests import rollouts
from tests.toy_platform import IMAGES, RELEASES


def test_all_of_a_roll_out_is_in_it() -> None:
    status = Status("platform", rollouts.COMMIT, (rollouts.standing(known=rollouts.seen()),), (Unasked("NATS", "no"),))
    found = json.loads(canonical_json(machine.as_json(status)))
    assert (found["remote"], found["commit"]) == ("platform", rollouts.COMMIT)
    assert found["unasked"] == [{"who": "NATS", "why": "no"}]
    (model,) = found["models"]
    assert model["champion"] == {"release": RELEASES[0], "image": IMAGES[0]}
    assert model["challenger"] == {"release": RELEASES[1], "image": IMAGES[1], "weight": 10}
    assert model["argo_cd"] == {"sync": "Synced", "health": "Healthy", "message": ""}
    assert model["runs"]["challenger"] == {
        "complaint": "", "known_since": None, "ready": 2, "restarts": 0, "stable_since": "2026-11-30T11:58:30Z",
        "unready_since": None, "wanted": 2,
    }  # fmt: skip
    rollout = model["rollout"]
    assert {name: value for name, value in rollout.items() if name != "decision"} == {
        "began": "2026-11-30T11:58:00Z", "stepped": "2026-11-30T11:59:00Z", "weight": 10, "stage": "step 1 of 4",
        "step": 1, "steps": [10, 25, 50, 100], "requests": 1234, "requests_wanted": 2000,
        "pairs": None, "pairs_wanted": None,
    }  # fmt: skip
    assert model["history"] == []
    assert rollout["decision"]["action"] == "wait"
    assert rollout["decision"]["findings"][0] == {
        "aspect": "errors", "e_value": 0.5, "threshold": 60.0, "champion": 0.001, "challenger": 0.051,
        "said": "errors of 1,234 requests", "worse": False, "evidence": "nothing against it",
    }  # fmt: skip


def test_every_time_of_how_a_release_runs_is_told() -> None:
    at = rollouts.NOON
    runs = Readiness(2, 0, None, 0, "", unready_since=at, known_since=at - timedelta(hours=1))
    status = Status("platform", rollouts.COMMIT, (rollouts.standing(known=rollouts.seen(challenger=runs)),))
    (model,) = json.loads(canonical_json(machine.as_json(status)))["models"]
    told = model["runs"]["challenger"]
    assert told["stable_since"] is None
    assert told["unready_since"] == "2026-11-30T12:00:00Z"
    assert told["known_since"] == "2026-11-30T11:00:00Z"


def test_a_shadow_has_pairs_and_no_requests() -> None:
    shadow = rollouts.shadowing(pairs=321)
    known = rollouts.seen(requests=None, pairs=123)
    (model,) = machine.as_json(Status("platform", rollouts.COMMIT, (rollouts.standing(0, known, settings=shadow),)))[
        "models"
    ]
    told = {name: model["rollout"][name] for name in ("requests", "requests_wanted", "pairs", "pairs_wanted", "step")}
    assert told == {"requests": None, "requests_wanted": None, "pairs": 123, "pairs_wanted": 321, "step": None}


def test_what_was_not_asked_is_null() -> None:
    (model,) = machine.as_json(Status("platform", rollouts.COMMIT, (rollouts.standing(known=Seen()),)))["models"]
    assert model["argo_cd"] is None
    assert model["runs"] == {"champion": None, "challenger": None}
    assert (model["rollout"]["requests"], model["rollout"]["decision"]) == (None, None)


def test_a_rejected_release_keeps_its_reason() -> None:
    rejected = rollouts.rejected("too slow")
    (model,) = machine.as_json(Status("platform", rollouts.COMMIT, (rollouts.standing(rejected=(rejected,)),)))[
        "models"
    ]
    assert model["rejected"] == [
        {"release": RELEASES[2], "image": IMAGES[2], "at": "2026-11-29T12:00:00Z", "reason": "too slow"}
    ]


def test_history_is_in_it_and_what_is_infinite_is_null() -> None:
    standing = rollouts.standing(past=grouped(rollouts.events(), rollouts.challenger("d" * 64)))
    found = json.loads(canonical_json(machine.as_json(Status("platform", rollouts.COMMIT, (standing,)))))
    under_way, lost, won, first = found["models"][0]["history"]
    assert [each["outcome"] for each in (under_way, lost, won, first)] == [
        "under way", "rolled back", "became champion", "champion at once",
    ]  # fmt: skip
    event = lost["events"][-1]
    assert (event["action"], event["weight"], event["at"]) == ("roll back", 0, "2026-11-30T11:52:00Z")
    assert [(each["e_value"], each["worse"]) for each in event["findings"]] == [
        (81.0, True), (None, True), (0.5, False),
    ]  # fmt: skip
