"""One holder at a time, and no file afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infra.errors import PlatformError
from infra.locks import held


def test_the_file_goes_with_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "folder/a.lock"
    with held(lock):
        assert lock.exists()
    assert not lock.exists()


def test_a_second_holder_is_told_when_it_would_not_wait(tmp_path: Path) -> None:
    with (
        held(tmp_path / "lock"),
        pytest.raises(PlatformError, match="Somebody is at work"),
        held(tmp_path / "lock", busy="Somebody is at work."),
    ):
        pass
    with held(tmp_path / "lock", busy="Somebody is at work."):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = f"import pathlib, os\nfrom infra.locks import held\n" \
           f"with held(pathlib.Path({str(tmp_path / 'lock')!r})): os.kill(os.getpid(), 9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert (tmp_path / "lock").exists()
    with held(tmp_path / "lock", busy="Somebody is at work."):
        pass


def test_one_at_a_time_although_each_removes_the_file(tmp_path: Path) -> None:
    inside: list[int] = []
    most = 0

    def work(number: int) -> None:
        nonlocal most
        for _ in range(50):
            with held(tmp_path / "lock"):
                inside.append(number)
                most = max(most, len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
