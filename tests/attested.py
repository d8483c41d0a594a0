"""Signed releases for tests: a small monorepo under Git that made one, and the working tree as a commit of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.attestation.attest import attest
from slipway.files import read_json
from slipway.gates.advisories import Advisory, Scan, Thresholds
from slipway.project import ModelPaths
from slipway.release import signing
from slipway.release.package import package
from slipway.supply_chain import sbom, scan
from tests.conftest import ROOT

WHO = {
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip


@dataclass(frozen=True)
class Signed:
    """A release with its signature beside it, and the keys that made it."""

    release: Path
    signature: Path
    private: Path

    @property
    def public(self) -> Path:
        return self.private.with_name(self.private.name + ".pub")

    @property
    def statement(self) -> Path:
        return self.signature.with_suffix(".provenance.json")

    @property
    def scan(self) -> Path:
        return self.signature.with_suffix(scan.SUFFIX)

    def copy(self, to: Path) -> Signed:
        """Release, signature and statement in another folder, to be tampered with."""
        to.mkdir(parents=True, exist_ok=True)
        for file in self.signature.parent.glob(f"{self.signature.stem}.*"):
            shutil.copy(file, to)
        release = Path(shutil.copytree(self.release, to / self.release.name))
        return Signed(release, to / self.signature.name, self.private)


def git(top: Path, *arguments: str, **environment: str) -> str:
    """Run Git in ``top`` as Ada."""
    done = subprocess.run(
        ["git", *arguments], cwd=top, env=os.environ | WHO | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit_all(top: Path, message: str = "all") -> str:
    """Commit everything in ``top``; the new commit's name."""
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(top, "rev-parse", "HEAD")


def made(paths: ModelPaths, params: dict[str, Any]) -> Path:
    """Package in the working folder, a small monorepo, and commit all with a dvc.lock that says so; the release."""
    top = Path.cwd()
    digest = package(paths, params)
    (top / ".gitignore").write_text("/releases/\n/data/\n/artifacts/\n/mlflow/\n/signatures/\n__pycache__/\n")
    (top / "uv.lock").write_text("version = 1\n")
    write_lock(paths)
    git(top, "init", "--quiet")
    commit_all(top)
    return top / paths.releases / digest


def write_lock(paths: ModelPaths) -> None:
    """Write dvc.lock as DVC would, had a single stage made the release of some tracked files."""
    deps = [paths.home / "features.py", paths.home / "model.yaml", paths.home / "champion", Path("uv.lock")]
    (paths.home / "champion").mkdir(exist_ok=True)
    (paths.home / "champion" / "README.md").write_text("none yet\n")
    stage = {
        "cmd": f"python pipelines/package.py {paths.name}",
        "deps": [{"path": str(path), "hash": "md5", "md5": _dvc(path)} for path in deps],
        "outs": [{"path": str(paths.releases), "hash": "md5", "md5": _dvc(paths.releases)}],
    }
    write_stages({f"package@{paths.name}": stage}, paths.name)


def write_stages(stages: dict[str, Any], model: str) -> None:
    """Write dvc.lock with ``stages``, and the dvc.yaml that they are of."""
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    written = {
        name.partition("@")[0]: {
            "foreach": "${models}",
            "do": {
                "cmd": stage["cmd"].replace(model, "${key}"),
                **{k: [entry["path"].replace(model, "${key}") for entry in stage.get(k, [])] for k in ("deps", "outs")},
            },
        }
        for name, stage in stages.items()
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": written}))


def _dvc(path: Path) -> str:
    """What DVC calls a file or a folder."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    listing = [{"md5": _dvc(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    return hashlib.md5(json.dumps(sorted(listing, key=lambda entry: entry["relpath"])).encode()).hexdigest() + ".dir"


def scanned(signed: Signed, finished: datetime, *found: Advisory) -> None:
    """Write a scan of the release that was finished then, as `slipway scan` does once its source has answered."""
    pins = tuple(str(pin) for pin in sbom.pins(signed.release))
    limits = Thresholds(max_age_days=7, canaries={"pyyaml==5.3": "GHSA-6757-jp84-gxfx"}, ignored={})
    told = Scan("https://osv.example.com", finished, finished, pins, found)
    model = str(read_json(signed.release / "manifest.json")["model"])
    scan.write(signed.scan, (model, signed.release.name), told, limits, signed.private)


def signed(release: Path, keys: Path, now: datetime | None = None) -> Signed:
    """Sign ``release`` with a new key in the folder ``keys``, and scan it; what is said of it goes beside it."""
    keys.mkdir(parents=True, exist_ok=True)
    signing.new_keys(keys / "key.pem")
    moment = now or datetime.now(UTC)
    signature, _ = attest(release, keys / "key.pem", release.with_name(f"{release.name}.sig"), moment)
    made = Signed(release, signature, keys / "key.pem")
    scanned(made, moment)
    return made


@pytest.fixture(scope="session")
def working_tree(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which Git takes this monorepo, as it is now, for committed: tests judge code before its commit."""
    clone = tmp_path_factory.mktemp("git") / "clone"
    git(ROOT, "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(clone))
    variables = {"GIT_DIR": str(clone / ".git"), "GIT_WORK_TREE": str(ROOT)}
    git(ROOT, "add", "--all", **variables)
    git(ROOT, "commit", "--quiet", "--allow-empty", "--message", "the working tree", **variables)
    return variables
