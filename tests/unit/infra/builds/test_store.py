"""The store: what is in it is whole, and what is broken is found, named and made again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.builds.store import MANIFEST, Entry, Watch, fault, obtain
from infra.errors import PlatformError


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return Entry(tmp_path / "store", "etcd", "0123abcd")


def maker(calls: list[str], content: str = "program") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        calls.append(content)
        (folder / "bin").mkdir()
        (folder / "bin" / "etcd").write_text(content)
        (folder / "link").symlink_to("bin/etcd")

    return make


def test_an_entry_is_made_once(entry: Entry) -> None:
    calls: list[str] = []
    first = obtain(entry, maker(calls))
    assert obtain(entry, maker(calls)) == first == entry.folder
    assert calls == ["program"]
    assert (first / "bin" / "etcd").read_text() == "program"
    assert sorted(entry.digests()) == ["bin/etcd", "link"]


def change(folder: Path) -> None:
    (folder / "bin" / "etcd").write_text("changed")


def remove(folder: Path) -> None:
    (folder / "bin" / "etcd").unlink()


def add(folder: Path) -> None:
    (folder / "bin" / "planted").write_text("")


def point_elsewhere(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").symlink_to("/bin/sh")


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (change, "bin/etcd has changed"),
        (remove, "bin/etcd is missing"),
        (add, "bin/planted does not belong"),
        (point_elsewhere, "link has changed"),
        (lose_the_manifest, MANIFEST),
    ],
)
def test_a_broken_entry_is_named_and_made_again(entry: Entry, damage: Callable[[Path], None], named: str) -> None:
    calls: list[str] = []
    told: list[str] = []
    damage(obtain(entry, maker(calls)))
    obtain(entry, maker(calls), Watch(broken=lambda broken, wrong: told.append(f"{broken.name}: {wrong}")))
    assert len(calls) == 2
    assert len(told) == 1
    assert told[0].startswith(f"etcd: {named}")
    assert fault(entry) is None


def test_a_build_that_fails_leaves_no_entry(entry: Entry) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise PlatformError("It broke.", "Mend it.")

    with pytest.raises(PlatformError, match="It broke"):
        obtain(entry, fail)
    assert not entry.exists
    assert [path.name for path in entry.folder.parent.iterdir()] == [f"{entry.key}.lock"]


KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path
from infra.builds.store import Entry, obtain

def die(folder):
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

obtain(Entry(Path(sys.argv[1]), sys.argv[2], sys.argv[3]), die)
"""


def test_a_killed_build_leaves_nothing_half(entry: Entry) -> None:
    repository = Path(__file__).parents[4]
    killed = subprocess.run(
        [sys.executable, "-c", KILLS_ITSELF, entry.store, entry.name, entry.key], cwd=repository, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert list(entry.folder.parent.glob("*.partial/half"))
    assert not entry.exists
    calls: list[str] = []
    obtain(entry, maker(calls))
    assert calls == ["program"]
    assert sorted(path.name for path in entry.folder.parent.iterdir()) == [entry.key, f"{entry.key}.lock"]


def test_the_second_of_two_waits_and_finds_what_the_first_made(entry: Entry) -> None:
    calls: list[str] = []
    inside, go_on, waits = threading.Event(), threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        inside.set()
        assert go_on.wait(30)
        maker(calls, "first")(folder)

    first = threading.Thread(target=obtain, args=(entry, slow))
    second = threading.Thread(
        target=obtain, args=(entry, maker(calls, "second"), Watch(waiting=lambda waited_for: waits.set()))
    )
    first.start()
    assert inside.wait(30)
    second.start()
    assert waits.wait(30)
    go_on.set()
    first.join()
    second.join()
    assert calls == ["first"]


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(PlatformError, match="could not be written") as caught:
        obtain(Entry(tmp_path / "store", "etcd", "0"), maker([]))
    assert "XDG_CACHE_HOME" in caught.value.remedy


def test_another_version_does_not_wait(entry: Entry) -> None:
    calls: list[str] = []

    def make(folder: Path) -> None:
        obtain(Entry(entry.store, entry.name, "another"), maker(calls))
        maker(calls)(folder)

    obtain(entry, make, Watch(waiting=lambda waited_for: calls.append("waited")))
    assert calls == ["program", "program"]
