"""Stacks keep their ranges, and stay out of each other's."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from infra.clusters.processes import addressing, claims, layout
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.layout import Layout
from infra.errors import PlatformError


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[IPv4Network]:
    """A machine of its own; the list is what it has routes to."""
    routes: list[IPv4Network] = []
    for module in (layout, claims):
        monkeypatch.setattr(module, "MACHINE", tmp_path / "run")
    monkeypatch.setattr(addressing, "on_this_machine", lambda: routes)
    return routes


def test_stacks_beside_each_other_get_ranges_of_their_own(tmp_path: Path) -> None:
    first, second = (claims.claim(_layout(tmp_path, name)) for name in ("one", "two"))
    assert (first, second) == (Ranges.numbered(200), Ranges.numbered(201))


def test_a_stack_keeps_its_ranges(tmp_path: Path) -> None:
    claims.claim(_layout(tmp_path, "one"))
    two = _layout(tmp_path, "two")
    assert claims.claim(two) == claims.claim(two) == claims.ranges_of(two)


@pytest.mark.parametrize("lost", ["claim", "record"])
def test_either_record_is_enough(tmp_path: Path, lost: str) -> None:
    """/run is empty after a restart of the machine, and the stack's folder may be damaged."""
    two = _layout(tmp_path, "two")
    claims.claim(_layout(tmp_path, "one"))
    claims.claim(two)
    (two.claim if lost == "claim" else two.cluster / claims.RANGES).write_text("damaged")
    assert claims.claim(two) == Ranges.numbered(201)


def test_a_stopped_stack_keeps_its_ranges_over_a_restart_of_the_machine(tmp_path: Path) -> None:
    one = _layout(tmp_path, "one")
    claims.claim(one)
    one.claim.unlink()
    assert claims.claim(_layout(tmp_path, "two")) == Ranges.numbered(201)


def test_ranges_that_something_else_uses_now_are_named(tmp_path: Path, machine: list[IPv4Network]) -> None:
    one = _layout(tmp_path, "one")
    claims.claim(one)
    machine.append(IPv4Network("10.200.0.0/16"))
    with pytest.raises(PlatformError, match=r"now used by something else: 10\.200\.0\.0/16"):
        claims.claim(one)


def test_a_stack_of_the_same_name_elsewhere_is_named(tmp_path: Path) -> None:
    claims.claim(_layout(tmp_path, "one"))
    elsewhere = Layout("one", tmp_path / "elsewhere/slipway/one")
    with pytest.raises(PlatformError, match="There is a stack one on this machine already") as error:
        claims.check_folder(elsewhere)
    assert f"XDG_STATE_HOME={tmp_path / 'home'}" in error.value.remedy
    claims.check_folder(_layout(tmp_path, "one"))


def test_a_claim_whose_folder_has_gone_binds_nobody(tmp_path: Path) -> None:
    one = _layout(tmp_path, "one")
    one.claim.parent.mkdir(parents=True)
    one.claim.write_text(json.dumps({"state": str(tmp_path / "gone"), "ranges": {}}))
    claims.check_folder(one)


def test_nothing_stays_after_the_last_stack(tmp_path: Path) -> None:
    one = _layout(tmp_path, "one")
    with claims.machine_lock():
        claims.claim(one)
    assert (tmp_path / "run").exists()
    with claims.machine_lock():
        claims.let_go(one)
    assert not (tmp_path / "run").exists()


def _layout(folder: Path, stack: str) -> Layout:
    return Layout(stack, folder / "home/slipway" / stack)
