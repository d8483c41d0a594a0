"""``slipway explain`` through its real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODEL, ROOT
from tests.live_server import LiveServer


def _explain(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slipway", "explain", MODEL, *arguments]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def example(release_folder: Path) -> dict[str, Any]:
    return dict(json.loads((release_folder / "example.json").read_text()))


def test_the_printed_score_is_the_served_one_to_the_last_bit(server: LiveServer, example: dict[str, Any]) -> None:
    status, answer = server.post("/api/v1.0/predictions", {"jsonData": example})
    assert status == 200
    score, decision = answer["data"]["ndarray"][0]
    told = json.loads(_explain("--json").stdout)
    assert (told["decision"]["late_probability"], told["decision"]["late"]) == (score, decision)
    assert f"late_probability {score!r} " in _explain().stdout


def test_a_body_from_standard_input_and_a_page(example: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    body = json.dumps({"jsonData": example})
    done = _explain("--request", "-", "--html", str(page), "--json", given=body)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["source"] == "standard input, Seldon v1"
    assert page.read_text().startswith("<!doctype html>")


def test_a_broken_request_is_exit_2_with_every_rule(example: dict[str, Any], tmp_path: Path) -> None:
    file, page = tmp_path / "request.json", tmp_path / "why.html"
    file.write_text(json.dumps(example | {"distance": -1, "carrier": "ZZ"}))
    done = _explain("--request", str(file), "--json", "--html", str(page))
    assert done.returncode == 2
    assert {entry["field"] for entry in json.loads(done.stdout)["breaches"]} == {"distance", "carrier"}
    assert "breaks 2 rules" in done.stderr
    assert "Traceback" not in done.stderr
    assert not page.exists()
    shown = _explain("--request", str(file))
    assert shown.returncode == 2
    assert "is refused" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--request", "no.json"), 3, "no.json cannot be read"),
        (("--id", "one"), 2, "--id and --log belong together"),
        (("--log", "collected"), 2, "--id and --log belong together"),
        (("--id", "one", "--log", "no", "--request", "-"), 2, "name two requests"),
        (("--id", "one", "--log", "no"), 3, "holds no answers"),
        (("--row", "1"), 2, "the example has one row"),
        (("--row", "-1"), 2, "Invalid value for '--row'"),
    ],
    ids=str,
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = _explain(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
