"""What is made for a stack, and that nothing that does not exist is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes import network
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.layout import Layout
from infra.errors import PlatformError

RANGES = Ranges.numbered(249)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that would have been run."""
    ran: list[str] = []
    monkeypatch.setattr(network, "_run", lambda *command: ran.append(" ".join(command)))
    monkeypatch.setattr(network, "_forget_empty_namespace_folder", lambda folder: None)
    return ran


def test_nothing_leads_out_of_the_namespace(commands: list[str], tmp_path: Path) -> None:
    network.create(Layout("testing", tmp_path), RANGES)
    assert not any("default" in command.split() for command in commands)


def test_what_is_the_stacks_goes_into_its_link_or_nowhere(commands: list[str], tmp_path: Path) -> None:
    network.create(Layout("testing", tmp_path), RANGES)
    for name in (RANGES.pods, RANGES.services):
        assert f"ip route add {name} via 172.31.249.2 dev slipway-testing" in commands
    for name in (RANGES.link, RANGES.pods, RANGES.services):
        assert f"ip route add blackhole {name} metric 9999" in commands


def test_no_pod_pushes_to_the_registry(commands: list[str], tmp_path: Path) -> None:
    network.create(Layout("testing", tmp_path), RANGES)
    (rules,) = [command for command in commands if " nft " in command]
    assert "iifname cni0 tcp dport 5000 drop" in rules


def test_control_groups_stay_in_sight(commands: list[str], tmp_path: Path) -> None:
    network.create(Layout("testing", tmp_path), RANGES)
    assert not any("netns exec" in command for command in commands)


def test_what_does_not_exist_is_not_removed(commands: list[str], tmp_path: Path) -> None:
    network.remove(Layout("no-such-stack", tmp_path), RANGES)
    assert not any("no-such-stack" in command or "blackhole" in command for command in commands)
    assert network.leftovers(Layout("no-such-stack", tmp_path), RANGES) == []


def test_a_command_that_fails_is_quoted() -> None:
    with pytest.raises(PlatformError, match="`ip link show no-such-link` failed: Device"):
        network._run("ip", "link", "show", "no-such-link")
