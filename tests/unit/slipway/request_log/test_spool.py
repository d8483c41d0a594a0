"""What is spooled is there again, in order, for this process or the next; what does not fit is refused and counted."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault
from slipway.request_log import spool as module
from slipway.request_log.events import Batch
from slipway.request_log.frames import framed
from slipway.request_log.spool import Spool, Spooled

PLENTY = 1 << 30


def batch(number: int, size: int = 100) -> Batch:
    return Batch(f"id{number}", "slipway.requests.toy", 10, bytes([number % 256]) * size)


def batches(count: int, start: int = 0, size: int = 100) -> list[Batch]:
    return [batch(number, size) for number in range(start, start + count)]


def drained(spool: Spool) -> list[Batch]:
    found: list[Batch] = []
    while head := spool.head():
        found += head
        spool.discard_head()
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool", PLENTY)
    made.open()
    return made


def test_batches_come_back_in_order_and_leave_nothing(spool: Spool, tmp_path: Path) -> None:
    assert spool.append(batches(5)) == Spooled(kept=50)
    assert spool.bytes == sum(len(framed(one)) for one in batches(5))
    assert drained(spool) == batches(5)
    assert (spool.bytes, spool.segments) == (0, 0)
    spool.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_is_written_while_the_head_is_read_comes_after_it(spool: Spool) -> None:
    spool.append(batches(3))
    assert spool.head() == batches(3)
    spool.append(batches(2, 3))
    assert spool.head() == batches(3)
    spool.discard_head()
    assert drained(spool) == batches(2, 3)


def test_segments_are_sealed_when_full(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1000)
    spool.append(batches(30))
    assert spool.segments > 3
    assert drained(spool) == batches(30)


def test_what_does_not_fit_is_refused_and_what_is_there_stays(tmp_path: Path) -> None:
    room = sum(len(framed(one)) for one in batches(3))
    spool = Spool(tmp_path, room)
    assert spool.append(batches(5)) == Spooled(kept=30, overflowed=20)
    assert spool.bytes == room
    assert drained(spool) == batches(3)
    assert spool.append(batches(1, 9)) == Spooled(kept=10)


def test_the_next_process_takes_over_what_a_closed_one_left(tmp_path: Path) -> None:
    first = Spool(tmp_path, PLENTY)
    first.append(batches(4))
    first.close()
    second = Spool(tmp_path, PLENTY)
    second.open()
    assert drained(second) == batches(4)
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_living_process_spools_is_left_alone(tmp_path: Path) -> None:
    first, second = Spool(tmp_path, PLENTY), Spool(tmp_path, PLENTY)
    first.append(batches(2))
    second.open()
    assert second.adopt() == 0
    second.append(batches(2, 2))
    assert drained(second) == batches(2, 2)
    assert drained(first) == batches(2)


_KILLED = """
import os, signal, sys
from pathlib import Path
from slipway.request_log.events import Batch
from slipway.request_log.frames import framed
from slipway.request_log.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
spool.append([Batch(f"id{n}", "slipway.requests.toy", 10, bytes([n]) * 100) for n in range(4)])
os.write(spool._writing, framed(Batch("torn", "s", 10, b"x" * 100))[:60])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_its_whole_frames_and_the_torn_one_is_cut_off(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    spool = Spool(tmp_path, PLENTY)
    spool.open()
    assert drained(spool) == batches(4)
    assert spool.damaged == 60


def test_a_full_disk_is_counted_and_half_a_frame_taken_back(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append(batches(2))
    write = os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) < 60:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    assert spool.append(batches(3, 2)) == Spooled(failed=30)
    monkeypatch.undo()
    assert spool.append(batches(1, 5)) == Spooled(kept=10)
    assert drained(spool) == [*batches(2), *batches(1, 5)]
    assert spool.damaged == 0


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"cannot write its spool .*file/spool"):
        Spool(tmp_path / "file" / "spool", PLENTY).open()


def test_a_full_disk_at_the_start_is_no_reason_not_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(tmp_path / "spool", PLENTY)
    with monkeypatch.context() as patched:
        patched.setattr(module.tempfile, "mkdtemp", full)
        spool.open()
        assert spool.append(batches(1)) == Spooled(failed=10)
    assert spool.append(batches(1)) == Spooled(kept=10)


def test_only_the_owner_may_read_what_is_spooled(spool: Spool, tmp_path: Path) -> None:
    spool.append(batches(1))
    (segment,) = (tmp_path / "spool").rglob("*.frames")
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(segment.parent.stat().st_mode) == 0o700
