"""A real server is started, asked and ended; what goes wrong with it is said with its own words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from slipway.contracts.signature import Field
from slipway.errors import EnvironmentFault
from slipway.project import ModelPaths
from slipway.release import load, rehearsal
from slipway.release.package import Part, candidate, judged_parts, seal
from tests.conftest import MODEL
from tests.live_server import frame, rows

FIELDS = [Field("colour", "string", nullable=True), Field("weight", "number", nullable=True), Field("age", "integer")]


@pytest.fixture
def folder(here: ModelPaths, params: dict[str, Any]) -> Iterator[Path]:
    with candidate(here, params) as found:
        yield found


def sealed(here: ModelPaths, params: dict[str, Any], room: Path, **changed: Part) -> Path:
    """A candidate some of whose parts are others; names are written with a double underscore for the dot."""
    return seal(judged_parts(here, params) | {n.replace("__", "."): p for n, p in changed.items()}, room, MODEL)


def servers() -> list[int]:
    """Servers that this process has started and not yet waited for."""
    return [child.pid for child in psutil.Process().children()]


def test_each_way_gives_the_scores_and_decisions_of_the_release(folder: Path) -> None:
    release = load(folder)
    asked = frame(release.fields, rows(release.fields, 450, seed=3))
    before = servers()
    answers = rehearsal.rehearse(folder, asked)
    assert servers() == before
    assert len(answers) == 4
    expected = release.score_table(asked)
    for found in answers.values():
        assert found.score.tolist() == expected.tolist()
        assert found.decision.tolist() == (expected >= release.threshold).tolist()
        assert found.refusal == ""


def test_a_refused_row_has_no_score_and_the_first_refusal_is_told(folder: Path) -> None:
    release = load(folder)
    good, bad = rows(release.fields, 2, seed=3)
    answers = rehearsal.rehearse(folder, frame(release.fields, [good, bad | {"distance": 9999}, good]))
    alone, together = answers["V2 row by row"], answers["V2 many rows at once"]
    assert [score == score for score in alone.score.tolist()] == [True, False, True]
    assert [score == score for score in together.score.tolist()] == [False, False, False]
    assert alone.refusal.startswith("400 ")
    assert "9999 is above 5500" in alone.refusal


def test_the_environment_of_a_real_server_does_not_reach_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any of these the server would ask for a signature, publish its answers or listen elsewhere."""
    monkeypatch.setenv("SLIPWAY_KEY", "/no/such/key")
    monkeypatch.setenv("SLIPWAY_REQUEST_LOG", "nats://127.0.0.1:1")
    monkeypatch.setenv("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", "70000")
    release = load(folder)
    answers = rehearsal.rehearse(folder, frame(release.fields, rows(release.fields, 1)))
    assert all(found.score[0] > 0 for found in answers.values())


def test_a_server_that_refuses_the_release_is_quoted(here: ModelPaths, params: dict[str, Any], tmp_path: Path) -> None:
    folder = sealed(here, params, tmp_path, model__txt=b"nonsense")
    before = servers()
    with pytest.raises(EnvironmentFault, match="ended with exit code 3 before it was ready") as caught:
        rehearsal.rehearse(folder, pl.DataFrame())
    assert "LightGBM refuses" in caught.value.what
    assert servers() == before


def test_a_server_that_dies_over_a_row_is_quoted(here: ModelPaths, params: dict[str, Any], tmp_path: Path) -> None:
    code = (here.home / "features.py").read_text().replace(
        'year = raw.number("year")\n', 'year = raw.number("year")\n    _die(year)\n'
    ) + (
        "\ndef _die(year):\n"
        "    if isinstance(year, (int, float)) and year == 2099:\n"
        '        print("here it breaks", flush=True)\n'
        '        __import__("os")._exit(9)\n'
    )  # fmt: skip
    folder = sealed(here, params, tmp_path, **{"model/features__py": code.encode()})
    release = load(folder)
    fatal = rows(release.fields, 1)[0] | {"year": 2099}
    with pytest.raises(EnvironmentFault, match="did not answer") as caught:
        rehearsal.rehearse(folder, frame(release.fields, [fatal]))
    assert "here it breaks" in caught.value.what


def test_a_server_that_is_not_ready_in_time_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "READY_SECONDS", 0.0)
    before = servers()
    with pytest.raises(EnvironmentFault, match="was not ready after 0 s"):
        rehearsal.rehearse(folder, pl.DataFrame())
    assert servers() == before


def test_another_server_on_the_port_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = load(folder)
    asked = frame(release.fields, rows(release.fields, 1))
    original = rehearsal._read_v2

    def read(answer: Any, names: tuple[str, str]) -> Any:
        return original(answer | {"model_version": "0" * 64}, names)

    monkeypatch.setattr(rehearsal, "_read_v2", read)
    with pytest.raises(EnvironmentFault, match="was answered by release 0000"):
        rehearsal.rehearse(folder, asked)


def test_the_server_ends_with_the_process_that_started_it(folder: Path) -> None:
    """Even where that is killed without a chance to end it."""
    code = (
        "import pathlib, sys, time\n"
        "from slipway.release import rehearsal\n"
        "with rehearsal._serving(pathlib.Path(sys.argv[1])):\n"
        "    print('serving', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"serving\n"
        (server,) = psutil.Process(starter.pid).children()
        os.kill(starter.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the server lives on"
        time.sleep(0.05)


def test_a_sample_is_spread_and_covers_every_category_null_and_extreme() -> None:
    raw = pl.DataFrame(
        {
            "colour": ["red"] * 500 + ["green"] + ["red"] * 498 + [None],
            "weight": [1.0] * 333 + [9.0, None, -9.0] + [1.0] * 664,
            "age": list(range(1000)),
        }
    )
    chosen = rehearsal.sample(raw, FIELDS, 11)
    evenly = {0, 99, 199, 299, 399, 499, 599, 699, 799, 899, 999}
    assert chosen == sorted(evenly | {500, 999, 333, 334, 335})
    assert rehearsal.sample(raw, FIELDS, 11) == chosen


def test_a_sample_of_few_rows_is_all_of_them() -> None:
    raw = pl.DataFrame({"colour": [None, None], "weight": [None, None], "age": [1, 2]}, schema_overrides={
        "colour": pl.String, "weight": pl.Float64
    })  # fmt: skip
    assert rehearsal.sample(raw, FIELDS, 100) == [0, 1]
