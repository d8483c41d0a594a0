"""``slipway predict`` under ``kill -9`` and on a full disk: no half output, no row scored twice, the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slipway.files import sha256_folder
from slipway.project import ModelPaths
from tests.conftest import MODEL, ROOT

FILES, ROWS = 4, 3000
_EVERY = 4
_AT_ONCE = 2
_PATIENCE_SECONDS = 120
# $1: where to mount, $2: free bytes, then the command; it is run again with more room.
_ON_A_FULL_DISK = """
set -u
disk=$1 free=$2; shift 2
mount -t tmpfs -o size=$free none "$disk" || exit 99
"$@"; code=$?
ls -A "$disk" >&2
mount -o remount,size=64m "$disk"
"$@" || exit 98
cp -a "$disk/scores" "$disk.scores"
exit $code
"""


@dataclass(frozen=True)
class Command:
    """``slipway predict`` of the same input, to one output after another, with a killer that may be armed."""

    release: Path
    table: Path
    packages: Path

    def words(self, output: Path) -> list[str]:
        where = ["--to", str(output), "--quarantine", f"{output}.refused"]
        return [sys.executable, "-m", "slipway", "predict", str(self.release), str(self.table), *where, "--json"]

    def environment(self, **more: str) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.packages), "OMP_NUM_THREADS": "1"} | more

    def run(self, output: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.words(output), env=self.environment(**more), capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def command(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Four files, each with a row that goes into quarantine."""
    top = tmp_path_factory.mktemp("predict")
    (top / "packages").mkdir()
    shutil.copyfile(Path(__file__).with_name("predict_killer.py"), top / "packages" / "sitecustomize.py")
    (top / "table").mkdir()
    months = sorted((ROOT / ModelPaths(MODEL).validated).glob("*.parquet"))
    for file in months[:FILES]:
        bad = pl.when(pl.int_range(pl.len()) == 5).then(500.0).otherwise("temp").alias("temp")
        pl.read_parquet(file).head(ROWS).with_columns(bad).write_parquet(top / "table" / file.name)
    return Command(release_folder, top / "table", top / "packages")


@pytest.fixture(scope="module")
def whole(command: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The output of a run that nothing disturbs, and how many file operations a kill can hit."""
    top = tmp_path_factory.mktemp("whole")
    done = command.run(top / "scores", SLIPWAY_KILL_COUNT=str(top / "count"))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["scored"], said["quarantined"], said["parts"]) == (FILES * (ROWS - 1), FILES, FILES)
    return top / "scores", int((top / "count").read_text())


def parts(output: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of each part that an unfinished run has finished."""
    found = (output.parent / f".{output.name}.unfinished" / "parts").glob("part-*.parquet")
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in found}


def _killed(command: Command, output: Path, moment: int) -> dict[str, Any]:
    """What a kill at ``moment`` left, and what the same command made of it."""
    killed = command.run(output, SLIPWAY_KILL_AT=str(moment))
    seen = sha256_folder(output) if output.exists() else None
    kept = parts(output)
    again = command.run(output)
    after = {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in output.glob("*")}
    return {
        "killed": killed.returncode,
        "seen": seen,
        "kept": kept,
        "again": again,
        "scored twice": {name for name, state in kept.items() if after.get(name) != state},
        "scores": sha256_folder(output),
        "refused": sha256_folder(output.with_name(f"{output.name}.refused")),
        "left": sorted(path.name for path in output.parent.iterdir()),
    }


def test_killed_at_any_write_it_goes_on_where_it_was(command: Command, whole: tuple[Path, int], tmp_path: Path) -> None:
    output, operations = whole
    moments = range(1, operations + 1, _EVERY)
    assert len(moments) >= FILES

    def one(moment: int) -> dict[str, Any]:
        top = tmp_path / str(moment)
        top.mkdir()
        return _killed(command, top / "scores", moment)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = dict(zip(moments, pool.map(one, moments), strict=True))
    scores, refused = sha256_folder(output), sha256_folder(output.with_name("scores.refused"))
    for moment, outcome in outcomes.items():
        assert outcome["killed"] == -signal.SIGKILL, moment
        assert outcome["seen"] in (None, scores), f"half an output after a kill at {moment}"
        assert outcome["again"].returncode == 0, outcome["again"].stderr
        assert outcome["scored twice"] == set(), moment
        said = json.loads(outcome["again"].stdout)
        expected = FILES if outcome["seen"] else len(outcome["kept"])
        assert said["resumed"] == expected * ROWS, moment
        assert (outcome["scores"], outcome["refused"]) == (scores, refused), moment
        assert outcome["left"] == ["scores", "scores.refused"], moment
    assert {len(outcome["kept"]) for outcome in outcomes.values()} == set(range(FILES + 1))


def test_killed_from_outside_while_it_scores(command: Command, whole: tuple[Path, int], tmp_path: Path) -> None:
    process = subprocess.Popen(command.words(tmp_path / "scores"), env=command.environment(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not parts(tmp_path / "scores") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.wait()
    again = command.run(tmp_path / "scores")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["resumed"] >= ROWS
    assert sha256_folder(tmp_path / "scores") == sha256_folder(whole[0])


def _namespace(folder: Path) -> list[str]:
    """The command that gives a mount namespace in which a tmpfs can be mounted, or none."""
    for words in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        mount = [*words, "mount", "-t", "tmpfs", "none", str(folder)]
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            return words
    return []


def test_a_full_disk_is_exit_3_and_the_same_command_goes_on(
    command: Command, whole: tuple[Path, int], tmp_path: Path
) -> None:
    """Where no file system can be mounted, a limit on the size of files stands in: then not even one part fits."""
    sizes = [file.stat().st_size for file in whole[0].iterdir()]
    disk = tmp_path / "disk"
    disk.mkdir()
    namespace = _namespace(disk)
    words = command.words(disk / "scores")
    if namespace:
        room = sum(sizes) // 2 + 64 * 1024
        done = subprocess.run(
            [*namespace, "sh", "-c", _ON_A_FULL_DISK, "sh", str(disk), str(room), *words],
            env=command.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        scores = tmp_path / "disk.scores"
        assert ".scores.unfinished" in done.stderr.splitlines()
        assert "scores" not in done.stderr.splitlines()
        assert 0 < json.loads(done.stdout)["resumed"] < FILES * ROWS
    else:
        done = subprocess.run(
            ["prlimit", f"--fsize={min(sizes) // 2}", *words],
            env=command.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        scores = disk / "scores"
        assert not scores.exists()
        assert command.run(scores).returncode == 0
    assert done.returncode == 3, done.stderr
    assert "could not be written" in done.stderr
    assert "Free some space" in done.stderr
    assert "Traceback" not in done.stderr
    assert sha256_folder(scores) == sha256_folder(whole[0])


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("cut short", 2, "cannot be read as Parquet"),
        ("empty", 2, "is empty"),
        ("no rows", 2, "There is nothing to score"),
        ("no such file", 2, "There is no file or folder"),
        ("column missing", 2, "field 'temp': the column is missing (rule required)"),
        ("wrong type", 2, "field 'temp': the column holds String, not numbers (rule type)"),
        ("bad row", 2, "row 5, field 'temp': 500.0 is above 130 °F (rule maximum)"),
        ("not writable", 3, "cannot be made"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_sentence(
    command: Command, tmp_path: Path, fault: str, code: int, said: str
) -> None:
    table, output = tmp_path / "table.parquet", tmp_path / "scores"
    good = pl.read_parquet(next(command.table.iterdir()))
    changed = {
        "no rows": good.clear(),
        "column missing": good.drop("temp"),
        "wrong type": good.with_columns(pl.col("temp").cast(pl.String)),
    }
    changed.get(fault, good).write_parquet(table)
    if fault == "cut short":
        table.write_bytes(table.read_bytes()[:-100])
    elif fault == "empty":
        table.write_bytes(b"")
    elif fault == "no such file":
        table.unlink()
    elif fault == "not writable":
        output = table / "scores"
    done = subprocess.run(
        [sys.executable, "-m", "slipway", "predict", str(command.release), str(table), "--to", str(output)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()
