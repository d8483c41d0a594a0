"""What can be scored is found; what cannot is refused by name before any row is."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from slipway.batch import inputs
from slipway.batch.rules import TableRules
from slipway.contracts.signature import Field
from slipway.errors import UsageError
from slipway.files import sha256_file

RULES = TableRules([Field("n", "integer"), Field("s", "string", nullable=True)])
GOOD = pl.DataFrame({"n": [1, 2, 3], "s": ["a", None, "c"], "id": [7, 8, 9]})


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with four tables."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.parquet", "b.parquet", "deep/down/c.parquet", "deep/.unfinished/parts/d.parquet"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        GOOD.write_parquet(name)
    Path("void").mkdir()
    Path("void/readme.txt").write_text("no table")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["b.parquet", "a.parquet"], ["b.parquet", "a.parquet"]),
        (["a.parquet", "./a.parquet", "*.parquet"], ["a.parquet", "b.parquet"]),
        (["deep"], ["deep/down/c.parquet"]),
        (["."], ["a.parquet", "b.parquet", "deep/down/c.parquet"]),
        (["**/*.parquet"], ["a.parquet", "b.parquet", "deep/down/c.parquet"]),
    ],
)
@pytest.mark.usefixtures("room")
def test_files_folders_and_patterns_each_file_once(names: list[str], found: list[str]) -> None:
    assert [str(path) for path in inputs.find(names)] == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nope.parquet", "There is no file or folder nope.parquet"),
        ("nope*.parquet", r"No file matches nope\*.parquet"),
        ("void", r"The folder void holds no \*\.parquet file"),
    ],
)
@pytest.mark.usefixtures("room")
def test_a_name_that_stands_for_nothing(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        inputs.find([name])


@pytest.mark.usefixtures("room")
def test_a_file_that_looks_like_a_pattern_is_that_file() -> None:
    GOOD.write_parquet(Path("[a].parquet").absolute())
    (found,) = inputs.inspect(inputs.find(["[a].parquet"]), RULES, [], 1)
    assert found.rows == 3
    assert found.read(["n"], 1, 5)["n"].to_list() == [2, 3]


def test_facts_of_each_file_and_any_run_of_its_rows(room: Path) -> None:
    first, _ = inputs.inspect([Path("a.parquet"), Path("b.parquet")], RULES, ["id"], 2)
    assert (first.path, first.rows, first.sha256) == (Path("a.parquet"), 3, sha256_file(room / "a.parquet"))
    assert first.read(["id", "n"], 1, 1).rows() == [(8, 2)]


def _broken(name: str) -> bytes:
    whole = Path("a.parquet").read_bytes()
    return {"cut": whole[:-20], "empty": b"", "text": b"n,s,id\n" * 10, "footer": whole[:50] + whole[-60:]}[name]


@pytest.mark.parametrize("fault", ["cut", "empty", "text", "footer"])
@pytest.mark.usefixtures("room")
def test_a_file_that_is_no_whole_parquet_file(fault: str) -> None:
    Path("broken.parquet").write_bytes(_broken(fault))
    with pytest.raises(UsageError, match=r"broken\.parquet (is empty|cannot be read as Parquet)"):
        inputs.inspect([Path("a.parquet"), Path("broken.parquet")], RULES, [], 1)


@pytest.mark.usefixtures("room")
def test_pages_that_are_broken_are_noticed_when_they_are_read() -> None:
    big = pl.DataFrame({"n": range(10_000), "s": ["x"] * 10_000})
    big.write_parquet("big.parquet")
    content = bytearray(Path("big.parquet").read_bytes())
    content[4:60] = bytes(56)
    Path("big.parquet").write_bytes(content)
    (found,) = inputs.inspect([Path("big.parquet")], RULES, [], 1)
    with pytest.raises(UsageError, match=r"big\.parquet cannot be read as Parquet"):
        found.read(["n", "s"], 0, 10_000)


@pytest.mark.parametrize(
    ("change", "keep", "said"),
    [
        (
            pl.col("s").alias("n"),
            [],
            r"odd\.parquet cannot be scored: field 'n': the column holds String, not integers",
        ),
        (pl.col("id").cast(pl.Int8), ["id"], r"odd\.parquet holds Int8 in 'id', the files before it Int64"),
        (pl.col("id"), ["day", "id"], r"a\.parquet has no column day to keep"),
    ],
)
@pytest.mark.usefixtures("room")
def test_columns_that_cannot_be_scored_or_kept(change: pl.Expr, keep: list[str], said: str) -> None:
    GOOD.with_columns(change).write_parquet("odd.parquet")
    with pytest.raises(UsageError, match=said):
        inputs.inspect([Path("a.parquet"), Path("odd.parquet")], RULES, keep, 1)


@pytest.mark.usefixtures("room")
def test_every_missing_column_is_named() -> None:
    GOOD.select("id").write_parquet("odd.parquet")
    with pytest.raises(
        UsageError, match=r"'n': the column is missing \(rule required\); field 's': the column is miss"
    ):
        inputs.inspect([Path("odd.parquet")], RULES, [], 1)


@pytest.mark.usefixtures("room")
def test_no_rows_at_all_is_nothing_to_score_but_one_file_may_have_none() -> None:
    GOOD.clear().write_parquet("none.parquet")
    with pytest.raises(UsageError, match=r"nothing to score: none\.parquet holds no rows"):
        inputs.inspect([Path("none.parquet")], RULES, [], 1)
    assert [each.rows for each in inputs.inspect([Path("none.parquet"), Path("a.parquet")], RULES, [], 1)] == [0, 3]


@pytest.mark.usefixtures("room")
def test_a_file_that_is_written_to_meanwhile_is_not_scored() -> None:
    (found,) = inputs.inspect([Path("a.parquet")], RULES, [], 1)
    os.utime("a.parquet", ns=(1, 1))
    with pytest.raises(UsageError, match=r"a\.parquet was changed while it was being scored"):
        found.read(["n"], 0, 3)
