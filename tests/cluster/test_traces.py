"""However a bare cluster ends, `down` leaves the machine as it was."""

from __future__ import annotations

from tests.cluster.bare_node import BareNode, eventually, kill, traces
from tests.cluster.machine import Machine


def test_up_and_down_leave_the_machine_as_it_was(absent_node: BareNode) -> None:
    before = Machine.now()
    absent_node.up()
    assert set(traces(absent_node.name)) == {
        "links", "namespaces", "routes", "mounts", "control groups", "processes",
    }  # fmt: skip
    assert Machine.now() != before
    assert absent_node.done("down")["condition"] == "absent"
    assert Machine.now() == before
    assert traces(absent_node.name) == {}
    assert not absent_node.state.exists()


def test_a_killed_node(absent_node: BareNode) -> None:
    before = Machine.now()
    absent_node.up()
    kill(absent_node.first_process())
    eventually(lambda: absent_node.done("status")["condition"] == "stopped")
    absent_node.done("down")
    assert Machine.now() == before
    assert traces(absent_node.name) == {}
    assert not absent_node.state.exists()


def test_an_up_that_was_killed_early(absent_node: BareNode) -> None:
    before = Machine.now()
    with absent_node.begin("up") as first:
        eventually(lambda: "namespaces" in traces(absent_node.name))
        first.kill()
    absent_node.done("down")
    assert Machine.now() == before
    assert traces(absent_node.name) == {}


def test_a_node_that_lost_files_of_its_folder(absent_node: BareNode) -> None:
    before = Machine.now()
    absent_node.up()
    for name in ("node.json", "ranges.json", "kubeconfig", "status.json"):
        (absent_node.state / "cluster" / name).unlink()
    absent_node.done("down")
    assert Machine.now() == before
    assert traces(absent_node.name) == {}
