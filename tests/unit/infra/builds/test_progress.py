"""What builds say."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from infra.builds import progress
from infra.builds.progress import Progress
from infra.builds.store import Entry
from infra.errors import PlatformError


def test_a_part_says_whether_it_was_built_and_how_many_are_left() -> None:
    lines: list[str] = []
    told = Progress(lines.append, total=2)
    with told.part("etcd"):
        pass
    with told.part("kubernetes") as part:
        part.building()
    assert lines == ["etcd: in the cache (1 left)", "kubernetes: building", "kubernetes: built in 0 s (0 left)"]
    assert [(outcome.name, outcome.state) for outcome in told.outcomes] == [("etcd", "cached"), ("kubernetes", "built")]


def test_a_part_that_fails_is_no_outcome() -> None:
    told = Progress(lambda line: None)
    with pytest.raises(PlatformError), told.part("etcd"):
        raise PlatformError("no disk", "make room")
    assert told.outcomes == []


def test_a_long_build_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT", 0.001)
    heard = threading.Event()

    def say(line: str) -> None:
        if "building for" in line:
            heard.set()

    with Progress(say).part("kubernetes") as part:
        part.building()
        assert heard.wait(30)


def test_faults_and_waiting_name_the_component() -> None:
    lines: list[str] = []
    told, entry = Progress(lines.append), Entry(Path("/store"), "etcd", "k")
    told.broken(entry, "bin/etcd has changed")
    told.waiting(entry)
    assert lines[0] == "etcd: the cached entry /store/etcd/k is broken (bin/etcd has changed), so it is built anew"
    assert "waiting for another process" in lines[1]
