"""``slipway scan`` through its real process: what it prints, writes and ends with."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slipway.release import keyring
from slipway.supply_chain import scan
from tests.conftest import ROOT
from tests.live_server import SLIPWAY
from tests.osv_server import CANARIES, OsvServer, record

NOWHERE = "http://127.0.0.1:9"


def run(release: Path, url: str, *options: str, folder: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SLIPWAY_OSV_URL": url} | more
    command = [*SLIPWAY, "scan", str(release), *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_green(release_folder: Path, private: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "scan.json"
    with OsvServer() as source:
        done = run(release_folder, source.url, "--key", str(private), "--to", str(target), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["gate"], said["passed"], said["scan"]) == ("advisories", True, str(target))
    keys = keyring.load(private.with_name("key.pem.pub"))
    assert scan.check(release_folder, target, keys, 7, datetime.now(UTC)).passed


def test_red(release_folder: Path, private: Path, tmp_path: Path) -> None:
    target = tmp_path / "scan.json"
    with OsvServer([*CANARIES, record("lightgbm", "GHSA-planted", ["CVE-2026-1"], "99.0")]) as source:
        done = run(release_folder, source.url, "--key", str(private), "--to", str(target))
    assert done.returncode == 1
    assert done.stdout.startswith(f"{target}\nlightgbm ")
    assert "CVE-2026-1, GHSA-planted (fixed in 99.0)." in done.stdout
    assert "Gate advisories is red." in done.stderr
    keys = keyring.load(private.with_name("key.pem.pub"))
    assert not scan.check(release_folder, target, keys, 7, datetime.now(UTC)).passed


def test_no_source_is_red_and_takes_the_place_of_a_green_scan(
    release_folder: Path, private: Path, tmp_path: Path
) -> None:
    target = tmp_path / "scan.json"
    with OsvServer() as source:
        assert run(release_folder, source.url, "--key", str(private), "--to", str(target)).returncode == 0
    done = run(release_folder, NOWHERE, "--key", str(private), "--to", str(target), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["passed"] is False
    keys = keyring.load(private.with_name("key.pem.pub"))
    verdict = scan.check(release_folder, target, keys, 7, datetime.now(UTC))
    assert "the source cannot be reached" in verdict.reason


def test_outside_a_monorepo_the_release_s_own_thresholds_count(
    release_folder: Path, private: Path, tmp_path: Path
) -> None:
    target = tmp_path / "scan.json"
    with OsvServer() as source:
        options = ("--osv-url", source.url, "--key", str(private), "--to", str(target), "--json")
        done = run(release_folder, NOWHERE, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    held = json.loads((release_folder / "params.json").read_bytes())["gates"]["advisories"]
    assert json.loads(done.stdout)["thresholds"] == held


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--osv-url", "nowhere"), 2, "is not the address of an advisory source"),
        (("--key", "README.md"), 2, "README.md is not a private key that can sign"),
    ],
)
def test_wrong_usage(
    release_folder: Path, private: Path, tmp_path: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    target = tmp_path / "scan.json"
    done = run(release_folder, NOWHERE, "--to", str(target), *options, SLIPWAY_SIGNING_KEY=str(private))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert not target.exists()


def test_a_changed_release_is_not_asked_about(release_folder: Path, private: Path, tmp_path: Path) -> None:
    copy = tmp_path / release_folder.name
    subprocess.run(["cp", "-r", release_folder, copy], check=True)
    (copy / "sbom.json").write_bytes(b"{}")
    with OsvServer() as source:
        done = run(copy, source.url, "--key", str(private))
        assert source.asked == []
    assert done.returncode == 3
    assert "sbom.json has sha256" in done.stderr
