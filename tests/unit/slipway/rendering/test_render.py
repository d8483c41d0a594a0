"""Rendered folders: equal bytes from equal input, nothing of what is not published, and every difference noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from slipway.errors import UsageError
from slipway.release.record import Record
from slipway.rendering import render
from slipway.rendering.served import Served
from tests.conftest import MODEL
from tests.toy_platform import ToyPlatform
from tests.unit.slipway.rendering.conftest import ALONE, TWO

PRODUCTION = ("production", MODEL)
Production = Callable[[Record], Served]


def test_equal_input_gives_equal_bytes(production: Production) -> None:
    served = production(TWO)
    assert render.render(served) == render.render(served)


def test_a_file_for_each_kind(production: Production) -> None:
    found = render.render(production(TWO))
    for name, content in found.items():
        manifests = list(yaml.safe_load_all(content))
        assert {f"{manifest['kind'].lower()}.yaml" for manifest in manifests} == {name}
        assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"production"}
        assert content.startswith(b"# Written by `slipway render`")
    assert len(list(yaml.safe_load_all(found["horizontalpodautoscaler.yaml"]))) == 2


def test_nothing_of_what_is_not_published(toy: ToyPlatform, production: Production) -> None:
    production(ALONE)
    target = toy.top / render.rendered(*PRODUCTION)
    assert render.write(*PRODUCTION, toy.top) is True
    assert target.is_dir()
    production(Record(champion=None, challenger=None))
    assert render.write(*PRODUCTION, toy.top) is True
    assert not (toy.top / "gitops/rendered").exists()
    assert render.write(*PRODUCTION, toy.top) is False


def test_writing_again_changes_nothing_and_a_hand_is_noticed(toy: ToyPlatform, production: Production) -> None:
    production(ALONE)
    target = toy.top / render.rendered(*PRODUCTION)
    assert "gitops/rendered/production/flight_delay/httproute.yaml" in render.differences(*PRODUCTION, toy.top)
    render.write(*PRODUCTION, toy.top)
    assert render.write(*PRODUCTION, toy.top) is False
    assert render.differences(*PRODUCTION, toy.top) == []
    route = target / "httproute.yaml"
    route.write_text(route.read_text().replace("weight: 100", "weight: 50"))
    (target / "more").mkdir()
    (target / "more" / "secret.yaml").write_text("kind: Secret\n")
    assert render.differences(*PRODUCTION, toy.top) == [
        f"gitops/rendered/production/{MODEL}/httproute.yaml",
        f"gitops/rendered/production/{MODEL}/more/secret.yaml",
    ]
    render.write(*PRODUCTION, toy.top)
    assert render.differences(*PRODUCTION, toy.top) == []


def test_strays(toy: ToyPlatform) -> None:
    assert render.strays(toy.top) == []
    assert render.every(toy.top) == [("staging", MODEL), PRODUCTION]
    (toy.top / "gitops/rendered/qa" / MODEL).mkdir(parents=True)
    (toy.top / "gitops/envs/qa" / MODEL).mkdir(parents=True)
    assert render.strays(toy.top) == [f"gitops/envs/qa/{MODEL}", f"gitops/rendered/qa/{MODEL}"]


def test_a_broken_record_renders_nothing(toy: ToyPlatform, production: Production) -> None:
    production(ALONE)
    render.write(*PRODUCTION, toy.top)
    before = render.held(toy.top / render.rendered(*PRODUCTION))
    (toy.top / "gitops/envs/production" / MODEL / "release.yaml").write_text("champion: yes\n")
    with pytest.raises(UsageError, match=r"release\.yaml is not valid"):
        render.write(*PRODUCTION, toy.top)
    assert render.held(toy.top / render.rendered(*PRODUCTION)) == before
