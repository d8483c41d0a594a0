"""While PID 1 starts the components, each that is ready is told once, and a node that ends is told with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.processes import startup
from infra.clusters.processes.layout import Layout
from infra.errors import PlatformError


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout("testing", tmp_path)
    found.logs.mkdir(parents=True)
    return found


def test_each_that_is_ready_is_told_once(layout: Layout) -> None:
    told: list[str] = []
    waiting = startup._Components(layout, told.append)
    _write(layout, "starting", etcd=True, kubelet=False)
    waiting.until("etcd")
    _write(layout, "ready", etcd=True, kubelet=True)
    waiting.until_all()
    assert told == ["etcd is ready", "kubelet is ready"]


@pytest.mark.parametrize("phase", ["stopping", "stopped"])
def test_a_node_that_ends_is_told_with_the_end_of_its_log(layout: Layout, phase: str) -> None:
    _write(layout, phase, etcd=False)
    (layout.logs / "node.log").write_text("etcd did not become ready\n")
    with pytest.raises(PlatformError, match="etcd did not become ready"):
        startup._Components(layout, lambda _: None).until("etcd")


def test_a_node_that_takes_too_long_is_given_up(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "PATIENCE", 0.0)
    with pytest.raises(PlatformError, match="is not ready after 0 s"):
        startup._Components(layout, lambda _: None).until_all()


@pytest.mark.parametrize("text", [None, "", "{"])
def test_a_status_that_is_not_there_says_nothing(layout: Layout, text: str | None) -> None:
    if text is not None:
        layout.node_status.write_text(text)
    assert startup.node_status(layout) == {}


def _write(layout: Layout, phase: str, **ready: bool) -> None:
    components: dict[str, Any] = {name: {"ready": value} for name, value in ready.items()}
    layout.node_status.write_text(json.dumps({"phase": phase, "components": components}))
