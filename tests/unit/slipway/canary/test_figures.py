"""Whether the loop is alive, and what is forgotten with a roll-out."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, Decision
from slipway.canary.figures import Figures, listen
from slipway.canary.observation import Shadowed
from slipway.rendering.served import predictor_name
from tests.rollouts import rollout


@dataclass
class Serving:
    """Figures that are listened for, and their clock."""

    now: float = 0.0
    figures: Figures = field(init=False)
    url: str = ""

    def __post_init__(self) -> None:
        self.figures = Figures(lambda: self.now)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as found:
                return found.status, found.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def serving() -> Iterator[Serving]:
    made = Serving()
    server = listen(made.figures, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    server.server_close()


def test_it_is_red_when_the_loop_is_stuck(serving: Serving) -> None:
    assert serving.get("/healthz") == (200, "alive\n")
    serving.now = 179.0
    assert serving.get("/healthz")[0] == 200
    serving.now = 181.0
    assert serving.get("/healthz") == (503, "stuck\n")
    serving.figures.breathe()
    assert serving.get("/healthz")[0] == 200
    assert serving.get("/else")[0] == 404


def test_what_is_of_a_roll_out_goes_with_it(serving: Serving) -> None:
    under_way = rollout(25)
    place = under_way.environment, under_way.model
    finding = Finding("errors", 3.0, 60.0, 0.0, 0.0, "said")
    serving.figures.exist({place: {"errors": 0.01}})
    serving.figures.decided(under_way, Decision(Action.HOLD, 25, "too few", (finding,)), 1000.0)
    serving.figures.under_way([place], [place])
    status, told = serving.get("/metrics")
    labels = f'environment="{place[0]}",model="{place[1]}",release="{predictor_name(under_way.challenger)}"'
    assert status == 200
    for line in (
        f"slipway_rollout_weight{{{labels}}} 25.0",
        f"slipway_rollout_held{{{labels}}} 1.0",
        f"slipway_rollout_last_look_timestamp_seconds{{{labels}}} 1000.0",
        f'slipway_rollout_e_value{{aspect="errors",{labels}}} 3.0',
        f'slipway_rollout_e_value_threshold{{aspect="errors",{labels}}} 60.0',
        f'slipway_rollout_decisions_total{{action="hold",{labels}}} 1.0',
        f'slipway_rollout_broken{{environment="{place[0]}",model="{place[1]}"}} 1.0',
        f'slipway_alert_threshold{{alert="errors",environment="{place[0]}",model="{place[1]}"}} 0.01',
        "slipway_rollout_leader 0.0",
    ):
        assert line in told.splitlines()
    assert "slipway_rollout_pairs{" not in told
    serving.figures.under_way([], [])
    told = serving.get("/metrics")[1]
    assert "slipway_rollout_weight{" not in told
    assert f'slipway_rollout_broken{{environment="{place[0]}",model="{place[1]}"}} 0.0' in told


def test_the_pairs_of_a_shadow_are_counted_until_it_is_none(serving: Serving) -> None:
    shadow = rollout(0)
    place = shadow.environment, shadow.model
    labels = f'environment="{place[0]}",model="{place[1]}",release="{predictor_name(shadow.challenger)}"'
    decision = Decision(Action.WAIT, 0, "too few pairs", ())
    serving.figures.decided(shadow, decision, 1000.0, Shadowed(123, None, 4))
    told = serving.get("/metrics")[1].splitlines()
    assert f"slipway_rollout_pairs{{{labels}}} 123.0" in told
    assert f"slipway_rollout_pairs_differing{{{labels}}} 4.0" in told
    serving.figures.decided(rollout(10), decision, 1003.0, None)
    assert "slipway_rollout_pairs{" not in serving.get("/metrics")[1]
