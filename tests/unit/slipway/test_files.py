"""A reader sees a whole file or none, whatever happens to the writer; content has one name."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import EnvironmentFault, UsageError
from slipway.files import (
    canonical_json,
    read_json,
    read_yaml,
    replacing,
    sha256_file,
    sha256_folder,
    write_json,
)

# Replaces a target by a process that is killed at its n-th file operation.
KILLED = """
import os, signal, sys
from pathlib import Path
from slipway.files import replacing
target, moment, seen = Path(sys.argv[1]), int(sys.argv[2]), 0
def hook(event, details):
    global seen
    if event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "open"} and str(target.parent) in str(details[0]):
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
with replacing(target) as staged:
    if sys.argv[3] == "file":
        staged.write_text("new")
    else:
        staged.mkdir()
        for name in "abc":
            (staged / name).write_text("new")
"""


def _content(target: Path) -> str | dict[str, str] | None:
    if target.is_dir():
        return {path.name: path.read_text() for path in target.iterdir()}
    return target.read_text() if target.exists() else None


def _scratch(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def _write(target: Path, kind: str, text: str) -> None:
    if kind == "file":
        target.write_text(text)
        return
    target.mkdir()
    for name in "abc":
        (target / name).write_text(text)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_kill_at_any_operation_leaves_a_whole_one_or_none(tmp_path: Path, kind: str) -> None:
    old, new = ("old", "new") if kind == "file" else (dict.fromkeys("abc", "old"), dict.fromkeys("abc", "new"))
    seen, moment, code = [], 0, -9
    while code == -9:
        moment += 1
        target = tmp_path / str(moment) / "target"
        target.parent.mkdir()
        _write(target, kind, "old")
        code = subprocess.run([sys.executable, "-c", KILLED, str(target), str(moment), kind], check=False).returncode
        assert _content(target) in (old, new, None)
        seen.append(_content(target))
        with replacing(target) as staged:
            _write(staged, kind, "new")
        assert _content(target) == new
        assert _scratch(target.parent) == [], "the next writer clears what the killed one left"
    assert code == 0
    assert moment > 5
    assert old in seen
    assert (None in seen) == (kind == "folder")


def test_missing_parents_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "file") as staged:
        staged.write_text("x")
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_target(tmp_path: Path, kind: str, error: type[BaseException]) -> None:
    target = tmp_path / "target"
    _write(target, kind, "old")
    before = _content(target)

    def fail() -> None:
        with replacing(target) as staged:
            _write(staged, kind, "new")
            raise error

    with pytest.raises(error):
        fail()
    assert _content(target) == before
    assert _scratch(tmp_path) == []


def test_an_error_of_the_system_is_an_environment_fault_that_names_the_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")

    def fail(error: Exception) -> None:
        with replacing(tmp_path / "target") as staged:
            staged.write_text("new")
            raise error

    # The second as polars says it.
    for error in (OSError(28, "No space left on device"), RuntimeError("parquet: No space left (os error 28)")):
        with pytest.raises(EnvironmentFault, match=r"target could not be written: .*No space left") as caught:
            fail(error)
        assert "Free some space" in caught.value.remedy
    with pytest.raises(UsageError, match="mine"):
        fail(UsageError("mine (os error 28)"))
    assert (tmp_path / "target").read_text() == "old"


def test_a_folder_where_nothing_can_be_made_is_an_environment_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="could not be written"):
        write_json(tmp_path / "file" / "below.json", 1)


def test_a_block_that_writes_nothing_keeps_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "target"
    _write(target, "folder", "old")
    with pytest.raises(EnvironmentFault, match="could not be written"), replacing(target):
        pass
    assert _content(target) == dict.fromkeys("abc", "old")


def test_a_folder_is_replaced_not_merged(tmp_path: Path) -> None:
    target = tmp_path / "target"
    _write(target, "folder", "old")
    with replacing(target) as staged:
        staged.mkdir()
        (staged / "d").write_text("new")
    assert _content(target) == {"d": "new"}


# Stops in the midst of writing its target, and says so.
WRITING = """
import sys, time
from pathlib import Path
from slipway.files import replacing
with replacing(Path(sys.argv[1])) as staged:
    staged.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


@contextmanager
def _writer(target: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", WRITING, str(target)], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            yield writer
        finally:
            writer.kill()


def test_only_a_dead_writer_s_scratch_is_cleared(tmp_path: Path) -> None:
    with _writer(tmp_path / "target") as writer, _writer(tmp_path / "other"):
        write_json(tmp_path / "target", 1)
        assert len(_scratch(tmp_path)) == 2, "a living writer's folder is its own"
        writer.kill()
        os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
        assert Path("/proc", str(writer.pid)).exists(), "a zombie, which its parent has not asked about"
        write_json(tmp_path / "target", 2)
        (left,) = _scratch(tmp_path)
        assert left.name.startswith(".other.")


def test_a_scratch_folder_taken_away_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    mkdtemp = tempfile.mkdtemp

    def cleared_at_once(**how: Any) -> str:
        made.append(mkdtemp(**how))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", cleared_at_once)
    write_json(tmp_path / "target", 1)
    assert len(made) == 2
    assert read_json(tmp_path / "target") == 1


def test_two_writers_at_once_do_not_meet(tmp_path: Path) -> None:
    with replacing(tmp_path / "target") as one, replacing(tmp_path / "target") as two:
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "target").read_text() == "one"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=6))
def test_equal_values_are_equal_bytes_that_read_back(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert json.loads(canonical_json(value)) == value


def test_canonical_json_is_utf8_and_ends_in_a_newline() -> None:
    assert canonical_json({"b": "é", "a": [1, 2.5]}) == '{\n "a": [\n  1,\n  2.5\n ],\n "b": "é"\n}\n'.encode()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_is_refused_and_nothing_written(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"a": number})
    assert list(tmp_path.iterdir()) == []


def test_json_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"file\.json is missing"):
        read_json(tmp_path / "file.json")
    for broken in (b"", b'{"a": ', b"\xff"):
        (tmp_path / "file.json").write_bytes(broken)
        with pytest.raises(EnvironmentFault, match=r"file\.json is not valid JSON"):
            read_json(tmp_path / "file.json")


def test_yaml_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"file\.yaml cannot be read: No such file") as caught:
        read_yaml(tmp_path / "file.yaml")
    assert "git checkout" in caught.value.remedy
    with pytest.raises(EnvironmentFault, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
    (tmp_path / "file.yaml").write_text("a: 1\nb: [")
    with pytest.raises(UsageError, match=r"(?s)file\.yaml is not valid YAML: .*line 2"):
        read_yaml(tmp_path / "file.yaml")
    (tmp_path / "file.yaml").write_text("a: [1]")
    assert read_yaml(tmp_path / "file.yaml") == {"a": [1]}


def test_sha256_of_a_file_longer_than_a_chunk(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (1 << 20) + b"y")
    said = subprocess.run(["sha256sum", tmp_path / "file"], capture_output=True, text=True, check=True).stdout
    assert sha256_file(tmp_path / "file") == said.split()[0]


def test_sha256_of_a_folder_is_its_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a").write_text("1")
    (folder / "b").write_text("2")
    first = sha256_folder(folder)
    assert sha256_folder(folder.rename(tmp_path / "renamed")) == first
    folder = tmp_path / "renamed"
    (folder / "b").rename(folder / "c")
    assert sha256_folder(folder) != first
    (folder / "c").rename(folder / "b")
    assert sha256_folder(folder) == first
    (folder / "sub" / "a").write_text("3")
    assert sha256_folder(folder) != first
