"""The command line through its real process: help with examples, exit codes, JSON alone on standard output."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway import cli, gates
from tests import attested
from tests.attested import Signed, working_tree
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import PATHS, Workspace, finished

__all__ = ["finished", "working_tree"]

VERBS = [command.callback.__name__ for command in cli.app.registered_commands if command.callback]


@pytest.fixture(scope="module")
def here() -> Workspace:
    """This monorepo, for what reads nothing but the command line."""
    return Workspace(ROOT)


def _json(workspace: Workspace, *arguments: str, code: int = 0) -> Any:
    """The one JSON value that a verb prints."""
    done = workspace.slipway(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_each_file_is_a_verb() -> None:
    files = {file.stem for file in Path(cli.__file__).parent.glob("*.py")} - {"__init__", "options"}
    assert set(VERBS) == files


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_examples_that_begin_with_the_verb(here: Workspace, verb: str) -> None:
    done = here.slipway(verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Examples:" in done.stdout
    examples = re.findall(rf"^ +(slipway {verb} \S.*?) *$", done.stdout, re.MULTILINE)
    assert len(examples) >= 2
    known = set(re.findall(r"--[a-z-]+", done.stdout.split("Options")[-1]))
    used = set(re.findall(r"--[a-z-]+", " ".join(examples)))
    assert used <= known, "an example has an option that does not exist"


def test_help_lists_every_verb_and_the_exit_codes(here: Workspace) -> None:
    done = here.slipway("--help")
    assert done.returncode == 0
    assert all(re.search(rf"│ {verb} ", done.stdout) for verb in VERBS)
    assert "Exit codes: 0 done, 1 a gate is red, 2 wrong usage" in done.stdout


def test_an_unknown_error_shows_where_it_came_from_and_is_no_red_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    assert "ZeroDivisionError: by nought" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope",), "No such command 'nope'"),
        (("verify",), "Missing argument 'RELEASE'"),
        (("verdicts",), "Missing argument 'MODEL'"),
        (("verdicts", MODEL, "--jsn"), "No such option: --jsn"),
        (("verdicts", MODEL, "more"), "unexpected extra argument"),
        (("serve", MODEL, "--port", "0"), "Invalid value for '--port'"),
        (("serve", MODEL, "--port", "http"), "Invalid value for '--port'"),
        (("verdicts", "nope"), "There is no model 'nope'"),
        (("report", "nope"), "There is no model 'nope'"),
        (("verify", "nope"), "There is no release 'nope'"),
    ],
    ids=str,
)
def test_wrong_usage_is_exit_2_and_nothing_on_standard_output(
    here: Workspace, arguments: tuple[str, ...], said: str
) -> None:
    done = here.slipway(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_verb_at_all_is_exit_2_with_the_help(here: Workspace) -> None:
    done = here.slipway()
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert all(f" {verb} " in done.stdout + done.stderr for verb in VERBS)


def test_outside_a_monorepo(tmp_path: Path) -> None:
    done = Workspace(ROOT).run("sh", "-c", f'cd "{tmp_path}" && slipway verdicts {MODEL}')
    assert done.returncode == 2
    assert "is not inside a Slipway monorepo" in done.stderr


def test_verdicts(finished: Workspace) -> None:
    found = _json(finished, "verdicts", MODEL)
    assert list(found) == gates.names()
    assert all(verdict["passed"] for verdict in found.values())
    assert all(set(verdict) == {"passed", "reason"} for verdict in found.values())
    full = finished.slipway("verdicts", MODEL, "--full")
    assert (full.returncode, full.stderr) == (0, "")
    whole = json.loads(full.stdout)
    assert all({"figures", "thresholds", "subject"} <= set(whole[gate]) for gate in found)
    assert {gate: whole[gate]["reason"] for gate in found} == {gate: found[gate]["reason"] for gate in found}
    table = finished.slipway("verdicts", MODEL)
    assert table.returncode == 0
    assert all(re.search(rf"^{gate} +green ", table.stdout, re.MULTILINE) for gate in gates.names())


@pytest.mark.parametrize("fault", ["red", "missing", "half written"])
def test_a_verdict_that_is_not_green(finished: Workspace, fault: str) -> None:
    file = finished.top / PATHS.verdict("leakage")
    good = file.read_text()
    try:
        if fault == "missing":
            file.unlink()
        else:
            file.write_text(good.replace('"passed": true', '"passed": false') if fault == "red" else good[:40])
        done = finished.slipway("verdicts", MODEL, "--json")
        shown = finished.slipway("verdicts", MODEL)
    finally:
        file.write_text(good)
    if fault == "half written":
        assert (done.returncode, done.stdout) == (3, "")
        assert "leakage.json is not valid JSON" in done.stderr
        return
    assert done.returncode == shown.returncode == 1
    verdict = json.loads(done.stdout)["leakage"]
    assert verdict is None if fault == "missing" else verdict["passed"] is False
    assert re.search(rf"^leakage +{'missing' if fault == 'missing' else 'RED'} ", shown.stdout, re.MULTILINE)


def test_verify(finished: Workspace) -> None:
    release = finished.release()
    by_name = _json(finished, "verify", MODEL, "--at", "2030-01-01")
    assert by_name == _json(finished, "verify", release.name[:8], "--at", "2030-01-01T00:00:00Z")
    assert by_name["release"] == release.name
    assert by_name["gates"] == gates.names()
    files = [path for path in release.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert (by_name["files"], by_name["bytes"]) == (len(files), sum(path.stat().st_size for path in files))
    assert by_name["verified"] is True
    assert by_name["signed"] is False
    shown = finished.slipway("verify", MODEL).stdout
    assert f"{MODEL} {release.name}" in shown
    assert re.search(rf"^  manifest +holds +{len(files)} files verify$", shown, re.MULTILINE)
    assert re.search(r"^  signature +not judged +no key was named", shown, re.MULTILINE)


def test_verify_of_a_changed_release_is_exit_3(finished: Workspace) -> None:
    card = finished.release() / "card.md"
    good = card.read_bytes()
    card.write_bytes(good + b" ")
    try:
        done = finished.slipway("verify", MODEL, "--json")
    finally:
        card.write_bytes(good)
    assert done.returncode == 3
    assert json.loads(done.stdout)["verified"] is False
    assert "card.md has sha256" in done.stderr


def test_report(finished: Workspace, tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    assert _json(finished, "report", MODEL, "--output", str(page)) == {"model": MODEL, "report": str(page)}
    assert finished.release().name[:12] in page.read_text()


def test_record_twice_is_one_version_and_progress_goes_to_standard_error(finished: Workspace) -> None:
    first, second = (finished.slipway("record", MODEL, "--json") for _ in range(2))
    assert "recording release" in first.stderr
    said, again = json.loads(first.stdout), json.loads(second.stdout)
    assert (said["already"], again["already"]) == (False, True)
    assert said["release"] == finished.release().name
    assert {**again, "already": False} == said


@pytest.fixture
def clean(working_tree: dict[str, str], tmp_path: Path) -> Workspace:
    """This monorepo, all of it committed, and a user whose configuration is empty."""
    workspace = Workspace(ROOT)
    workspace.env |= working_tree | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    return workspace


def test_a_release_is_signed_and_verified_with_the_key_of_who_signed_it(clean: Workspace, tmp_path: Path) -> None:
    mine, other, signature = tmp_path / "mine.pem", tmp_path / "other.pem", tmp_path / "x.sig"
    for key in (mine, other):
        assert clean.slipway("keygen", str(key)).stdout.strip() == f"{key}.pub"
    signing = clean.slipway("sign", MODEL, "--key", str(mine), "--to", str(signature))
    assert (signing.returncode, signing.stdout.strip()) == (0, str(signature)), signing.stderr
    (release,) = (ROOT / PATHS.releases).glob("*/manifest.json")
    attested.scanned(Signed(release.parent, signature, mine), datetime.now(UTC))
    copy = Signed(release.parent, signature, mine).copy(tmp_path / "copy")
    verified = ("verify", str(copy.release), "--signature", str(copy.signature), "--key")
    found = _json(clean, *verified, f"{mine}.pub")
    assert (found["signed"], found["verified"], found["provenance"]["passed"]) == (True, True, True)
    refused = clean.slipway(*verified, f"{other}.pub")
    assert refused.returncode == 3
    assert "was made with another key" in refused.stderr
    assert re.search(r"^  signature +REFUSED +.*another key", refused.stdout, re.MULTILINE)
    copy.scan.unlink()
    unscanned = clean.slipway(*verified, f"{mine}.pub")
    assert unscanned.returncode == 1
    assert "the release was never scanned" in unscanned.stderr
    for key, missing, said in (
        (f"{other}.pub", signature, "another key"),
        (f"{mine}.pub", tmp_path / "no", "has no sig"),
    ):
        unserved = clean.slipway("serve", MODEL, "--key", key, "--signature", str(missing))
        assert unserved.returncode == 3
        assert said in unserved.stderr


def test_an_old_release_is_audited_as_of_its_time(clean: Workspace, tmp_path: Path) -> None:
    signature = tmp_path / "x.sig"
    assert clean.slipway("sign", MODEL, "--to", str(signature)).returncode == 0
    key = tmp_path / "config" / "slipway" / "development.pem"
    asked = ("verify", MODEL, "--signature", str(signature), "--key", f"{key}.pub", "--at")
    done = clean.slipway(*asked, "2020-01-01")
    assert done.returncode in (1, 3)
    assert "a clock is wrong, here or where it was signed" in done.stdout
    wrong = clean.slipway(*asked, "yesterday")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--at yesterday is not a time" in wrong.stderr


def test_a_development_key_is_made_on_first_use(clean: Workspace, tmp_path: Path) -> None:
    public = tmp_path / "config" / "slipway" / "development.pem.pub"
    assert clean.slipway("keygen").stdout.strip() == str(public)
    content = public.read_bytes()
    assert clean.slipway("keygen").stdout.strip() == str(public)
    assert public.read_bytes() == content
    refused = clean.slipway("keygen", "gitops/keys/mine.pem")
    assert refused.returncode == 2
    assert "lies inside the monorepo" in refused.stderr


def test_a_key_that_is_set_and_empty_is_no_way_round_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, verb in (
        ("SLIPWAY_KEY", "verify"),
        ("SLIPWAY_SIGNATURE", "verify"),
        ("SLIPWAY_SIGNING_KEY", "sign"),
    ):
        monkeypatch.setenv(variable, "")
        refused = Workspace(ROOT).slipway(verb, MODEL)
        assert refused.returncode == 2
        assert f"{variable} is set and empty" in refused.stderr
        monkeypatch.delenv(variable)
