"""Parts are kept, found again and committed whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from slipway.batch import plan, store
from slipway.batch.inputs import Input
from slipway.batch.plan import Plan
from slipway.batch.store import Finished
from slipway.errors import EnvironmentFault, UsageError

SCORES = pl.DataFrame({"score": [0.5]})
REFUSED = pl.DataFrame({"row": [1]})
MADE = plan.make("r" * 64, [Input(Path(name), 2, name * 64, (1, 1)) for name in "ab"], [])
OTHER = plan.make("s" * 64, [Input(Path("a"), 2, "a" * 64, (1, 1))], [])


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def write(output: Path, quarantine: Path | None, made: Plan, *numbers: int, commit: bool = False) -> None:
    with store.opened(output, quarantine, made) as opened:
        for number in numbers:
            refused = REFUSED if quarantine else REFUSED.clear()
            opened.write(made.parts[number], SCORES, refused, {"slipway.release": made.release})
        if commit:
            opened.commit()


def test_nothing_is_to_be_seen_until_the_commit_and_then_all_is(output: Path, tmp_path: Path) -> None:
    quarantine = tmp_path / "refused"
    write(output, quarantine, MADE, 0)
    assert [path.name for path in tmp_path.iterdir()] == [".out.unfinished"]
    write(output, quarantine, MADE, 1, commit=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "refused"]
    assert pl.read_parquet(output).height == pl.read_parquet(quarantine).height == 2
    assert pl.read_parquet_metadata(output / "part-00000.parquet")["slipway.release"] == MADE.release
    assert store.committed(output, quarantine, MADE) == [Finished(2, 1)] * 2


@pytest.mark.parametrize("harm", ["folder", "file", "content"])
def test_a_quarantine_that_went_after_the_end_is_missed(output: Path, tmp_path: Path, harm: str) -> None:
    quarantine = tmp_path / "refused"
    write(output, quarantine, MADE, 0, 1, commit=True)
    part = quarantine / "part-00001.parquet"
    if harm == "folder":
        shutil.rmtree(quarantine)
    elif harm == "file":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-30])
    rows = 2 if harm == "folder" else 1
    with pytest.raises(UsageError, match=rf"finished, but {rows} of the rows that it refused are not in .*/refused"):
        store.committed(output, quarantine, MADE)
    assert store.committed(output, None, MADE) == [Finished(2, 1)] * 2, "who does not ask for it does not miss it"


def test_finished_parts_are_found_again_and_a_cut_one_is_not(output: Path) -> None:
    write(output, None, MADE, 0, 1)
    part = output.parent / ".out.unfinished/parts/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-30])
    with store.opened(output, None, MADE) as opened:
        assert opened.finished() == {MADE.parts[0]: Finished(2, 0)}


def test_an_unfinished_run_of_another_release_is_refused_with_the_remedy(output: Path) -> None:
    write(output, None, MADE, 0)
    with (
        pytest.raises(UsageError, match=r"scored by release rrrrrrrrrrrr, this is ssss.*remove .*/\.out\.unfinished"),
        store.opened(output, None, OTHER),
    ):
        pass


def test_a_quarantine_can_be_added_but_not_be_dropped(output: Path, tmp_path: Path) -> None:
    write(output, None, MADE, 0)
    write(output, tmp_path / "refused", MADE, 1)
    with (
        store.opened(output, None, MADE) as opened,
        pytest.raises(UsageError, match=r"put 1 rows into quarantine.*Give --quarantine again"),
    ):
        opened.finished()


def test_two_processes_do_not_share_a_run(output: Path) -> None:
    with (
        store.opened(output, None, MADE),
        pytest.raises(UsageError, match="Another process is scoring to"),
        store.opened(output, None, MADE),
    ):
        pass


@pytest.mark.parametrize("there", ["file", "folder", "run"])
def test_an_output_that_is_something_else_is_refused(output: Path, there: str) -> None:
    if there == "run":
        write(output, None, OTHER, 0, commit=True)
    elif there == "file":
        output.write_text("mine")
    else:
        (output / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match="it is not the output of this very run"):
        store.committed(output, None, MADE)


def test_an_empty_folder_may_become_the_output(output: Path) -> None:
    output.mkdir()
    assert store.committed(output, None, MADE) is None
    write(output, None, MADE, 0, 1, commit=True)
    assert store.committed(output, None, MADE) == [Finished(2, 0)] * 2


def test_killed_between_the_two_renames_of_the_commit(output: Path, tmp_path: Path) -> None:
    quarantine = tmp_path / "refused"
    write(output, quarantine, MADE, 0, 1)
    os.rename(tmp_path / ".out.unfinished/quarantine", quarantine)
    write(output, quarantine, MADE, commit=True)
    assert store.committed(output, None, MADE) == [Finished(2, 1)] * 2


def test_a_quarantine_of_somebody_else_is_refused(output: Path, tmp_path: Path) -> None:
    (tmp_path / "refused").mkdir()
    (tmp_path / "refused/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="refused exists"), store.opened(output, tmp_path / "refused", MADE):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFault, match="cannot be made"), store.opened(tmp_path / "file/out", None, MADE):
        pass


def test_an_output_that_appeared_meanwhile_is_not_replaced(output: Path) -> None:
    with store.opened(output, None, MADE) as opened:
        for part in MADE.parts:
            opened.write(part, SCORES, REFUSED.clear(), {})
        (output / "mine").mkdir(parents=True)
        with pytest.raises(EnvironmentFault, match="could not be put in its place"):
            opened.commit()
    assert (output / "mine").is_dir()
