"""Names, images and weights follow from the record and the settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.errors import UsageError
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.record import Published, Record
from slipway.rendering import served
from slipway.rendering.served import Served
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, PUBLISHED, RELEASES, ToyPlatform
from tests.unit.slipway.rendering.conftest import ALONE, TWO

Production = Callable[[Record], Served]


def test_a_champion_alone_gets_everything(production: Production) -> None:
    (champion,) = production(ALONE).predictors
    assert champion.weight == 100
    assert champion.image == f"registry.slipway.internal/models/flight-delay@{IMAGES[0]}"
    assert champion.service == f"flight-delay-{RELEASES[0][:8]}-111111"
    assert champion.deployment == f"flight-delay-{RELEASES[0][:8]}-111111-0-server"


def test_a_challenger_gets_its_weight_and_the_champion_the_rest(production: Production) -> None:
    assert [predictor.weight for predictor in production(TWO).predictors] == [75, 25]


def test_what_is_not_published_is_not_served(production: Production) -> None:
    elsewhere = Record(champion=Published(release=RELEASES[0], image=None), challenger=None)
    assert production(elsewhere).predictors == ()
    assert production(Record(champion=None, challenger=None)).predictors == ()


@pytest.mark.parametrize("model", ["_x", "9lives", "x" * 39, "a-"])
def test_a_model_that_kubernetes_cannot_name(model: str) -> None:
    with pytest.raises(UsageError, match="is no name for Kubernetes"):
        served.resource_name(model)


def test_the_longest_names_fit() -> None:
    assert len(served.deployment_name(served.service_name("x" * 38, PUBLISHED[RELEASES[0]]))) == 63


def test_two_that_would_have_one_name_are_refused(production: Production) -> None:
    """Whoever tries often enough makes an image whose first digits are the champion's; it must not take its place."""
    alike = f"{IMAGES[0][:20]}{'f' * 51}"
    with pytest.raises(UsageError, match=r"Champion and challenger of .* would both be called aaaaaaaa-111111"):
        production(ALONE.promoted(Published(release=RELEASES[0], image=alike))).predictors  # noqa: B018


def test_unknown_environment_and_model(toy: ToyPlatform) -> None:
    with pytest.raises(UsageError, match=r"no environment 'qa'.*staging, production"):
        served.read("qa", MODEL, toy.top)
    with pytest.raises(UsageError, match=rf"production has no model 'nope'.*{MODEL}"):
        served.read("production", "nope", toy.top)


def test_a_key_ring_that_is_gone_switches_nothing_off(toy: ToyPlatform) -> None:
    for file in (toy.top / "gitops/keys").iterdir():
        file.unlink()
    (toy.top / "gitops/keys").rmdir()
    with pytest.raises(ReleaseUntrusted):
        served.read("production", MODEL, toy.top)
