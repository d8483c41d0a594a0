"""Tail numbers trace a plane to its owner: none gets beyond the validated rows, whichever way one looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from models.flight_delay import contract
from slipway.contracts.marks import marked
from slipway.files import read_json
from slipway.project import ModelPaths
from slipway.request_log import partitions
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import Workspace
from tests.live_server import LiveServer, rows, tensors
from tests.nats_server import NatsServer

PERSONAL = marked(contract.RAW, personal=True)
WORD = re.compile(rb"[A-Z0-9]{4,}")


@pytest.fixture(scope="module")
def values(paths: ModelPaths) -> set[bytes]:
    """Every personal value of the year."""
    found: set[bytes] = set()
    for file in (ROOT / paths.validated).glob("*.parquet"):
        for name in PERSONAL:
            found |= {str(value).encode() for value in pl.read_parquet(file)[name].unique().drop_nulls()}
    return found


def leaks(file: Path, values: set[bytes]) -> Iterator[str]:
    """Personal columns and personal values in a file: every cell of a table, every word of anything else."""
    if file.suffix == ".parquet":
        table = pl.read_parquet(file, hive_partitioning=False)
        yield from (name for name in table.columns if name.rpartition(".")[2] in PERSONAL)
        words = {str(cell).encode() for column in table for cell in column.unique().drop_nulls()}
    else:
        words = set(WORD.findall(file.read_bytes()))
    yield from (word.decode() for word in words & values)


def leaking(folder: Path, values: set[bytes]) -> dict[str, list[str]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    found = {str(file.relative_to(folder)): sorted(leaks(file, values)) for file in files}
    return {name: leaked for name, leaked in found.items() if leaked}


def test_there_is_something_to_hide_and_the_search_finds_it(
    paths: ModelPaths, values: set[bytes], tmp_path: Path
) -> None:
    assert PERSONAL
    assert len(values) > 3_000
    assert "tailnum" in leaks(max(paths.validated.glob("*.parquet")), values)
    one = next(iter(values)).decode()
    (tmp_path / "log").write_text(f'{{"said": "no {one} here"}}\n')
    pl.DataFrame({"x": [one]}).write_parquet(tmp_path / "x.parquet")
    assert leaking(tmp_path, values) == {"log": [one], "x.parquet": [one]}


def test_no_feature_and_no_row_that_training_keeps(paths: ModelPaths, values: set[bytes]) -> None:
    assert leaking(paths.features, values) == {}


def test_no_file_of_the_release_but_the_rule_itself(release_folder: Path, values: set[bytes]) -> None:
    assert leaking(release_folder, values) == {}
    assert not set(PERSONAL) & {field["name"] for field in read_json(release_folder / "signature.json")}
    assert not set(PERSONAL) & set(read_json(release_folder / "example.json"))


def test_nothing_that_is_evaluated_or_studied(paths: ModelPaths, values: set[bytes]) -> None:
    for folder in (paths.evaluation, paths.challenge, paths.study, paths.drift):
        assert leaking(folder, values) == {}


def test_no_answer_no_log_and_no_stored_record(release_folder: Path, values: set[bytes], tmp_path: Path) -> None:
    """A caller who sends a tail number is refused without an echo; what is stored of others holds none."""
    tail = min(values).decode()
    nats = NatsServer(tmp_path / "nats")
    options = ("--request-log", nats.url, "--spool", str(tmp_path / "spool"))
    with nats, LiveServer(release_folder, *options, log=tmp_path / "server.log") as live:
        asked = rows(live.fields, 20, seed=4)
        for row in asked:
            status, _ = live.post(f"/v2/models/{MODEL}/infer", {"inputs": tensors(live.fields, [row])})
            assert status == 200
        extra = {"name": PERSONAL[0], "shape": [1], "datatype": "BYTES", "data": [tail]}
        for message in (
            {"inputs": [*tensors(live.fields, asked[:1]), extra]},
            {"jsonData": asked[0] | {PERSONAL[0]: tail}},
        ):
            path = f"/v2/models/{MODEL}/infer" if "inputs" in message else "/api/v1.0/predictions"
            status, answer = live.post(path, message)
            assert status == 400
            assert tail not in str(answer)
        live.wait_until_sent()
        assert live.stop() == 0
        collected = tmp_path / "collected"
        done = Workspace(ROOT).slipway("collect", "--nats", nats.url, "--to", str(collected), "--json")
        assert done.returncode == 0, done.stderr
    assert partitions.answers(collected).collect().height == len(asked)
    assert leaking(collected, values) == {}
    assert set(leaks(tmp_path / "server.log", values)) == set()
