"""A monorepo of its own to break: a copy of this one, and one whose pipeline has run on thinned data.

The copy's stages run the copy's code (PYTHONPATH goes before the environment's own Slipway) on the copy's files,
in processes that find their programs as the Makefile lets them. Nothing below this monorepo is written.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from models.flight_delay import sources
from slipway.files import sha256_file
from slipway.project import ModelPaths
from tests.conftest import MODEL, ROOT

STAGES = (
    "ingest",
    "validate",
    "check_drift",
    "featurize",
    "train",
    "evaluate",
    "study",
    "challenge",
    "gate",
    "package",
)
DRIFT_ENVIRONMENT = ROOT / "environments" / "drift" / ".venv"
PATHS = ModelPaths(MODEL)
# One flight in eight keeps every mechanism and loses the statistics, so the gates get slack: the subject of these
# tests is files, not quality.
_ONE_IN = 8
_QUICK: dict[str, Any] = {
    "check_drift": {"power_every": 12, "compared_rows": 500, "sample_rows": 1000},
    "train": {"num_threads": 1, "num_trees": 30, "learning_rate": 0.1, "min_data_in_leaf": 50},
    "evaluate": {"resamples": 100},
    "study": {"num_trees": 5, "reseeded": 1, "first_months": 9},
    "gates": {
        "contract": {"max_quarantined_share": 0.05},
        "volume": {"min_rows_to_median": 0.5, "max_rows_to_median": 2.0, "min_day_to_median": 0.1},
        "drift": {"min_null_weeks": 20, "min_power": 0.8, "min_injected": 20},
        "baseline": {"min_gain": 0.0},
        "challenger": {"margin": 0.1},
        "slices": {"margin": 0.2},
        "calibration": {"max_expected_calibration_error": 0.3},
        "leakage": {"max_single_feature_auc": 0.9},
        "budget": {"max_single_row_ms": 200.0, "max_memory_mib": 1024.0},
        "robustness": {
            "noise_rows": 500,
            "attacked_rows": 10,
            "max_flipped_share": 0.2,
            "max_mean_score_change": 0.2,
            "min_mean_distance": 0.01,
            "min_median_distance": 0.01,
        },
    },
}


class Workspace:
    """A copy of the monorepo in ``top``, and the processes to run in it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        here = Path(sys.executable).parent
        self.env = os.environ | {
            "PATH": f"{here}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(top / "packages"), str(top / "platform-lib" / "src")]),
            "DVC_SITE_CACHE_DIR": str(top / ".site-cache"),
            "DVC_NO_ANALYTICS": "1",
            # The drift stage's environment is this monorepo's; uv must not make it fit the copy.
            "UV_PROJECT_ENVIRONMENT": str(DRIFT_ENVIRONMENT),
            "UV_NO_SYNC": "1",
            "UV_OFFLINE": "1",
            "COLUMNS": "80",
        }

    def command(self, stage: str, model: str = MODEL) -> list[str]:
        """What runs ``stage`` without DVC."""
        python = str(DRIFT_ENVIRONMENT / "bin" / "python") if stage == "check_drift" else sys.executable
        return [python, f"pipelines/{stage}.py", model]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, to its end."""
        return subprocess.run(command, cwd=self.top, env=self.env, capture_output=True, text=True, check=False)

    def stage(self, stage: str, model: str = MODEL) -> subprocess.CompletedProcess[str]:
        """Run a stage without DVC."""
        return self.run(*self.command(stage, model))

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.run(sys.executable, "-m", "slipway", *arguments)

    def repro(self) -> subprocess.CompletedProcess[str]:
        """Run the whole pipeline, as far as it is not up to date."""
        return self.run("dvc", "repro")

    def params(self) -> dict[str, Any]:
        """The content of params.yaml."""
        return dict(yaml.safe_load((self.top / "params.yaml").read_text()))

    def set_params(self, changes: dict[str, Any]) -> None:
        """Change some of the model's parameters."""
        content = self.params()
        _merge(content["models"][MODEL], changes)
        (self.top / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    def release(self) -> Path:
        """The only release."""
        (found,) = (self.top / PATHS.releases).glob("*/manifest.json")
        return found.parent

    def outputs(self, stage: str) -> list[Path]:
        """What ``stage`` writes, from dvc.yaml."""
        declared = yaml.safe_load((self.top / "dvc.yaml").read_text())["stages"][stage]["do"]["outs"]
        return [self.top / out.replace("${key}", MODEL) for out in declared]


def state(output: Path) -> str | None:
    """Sha256 of a file, or of the names, kinds and contents of all that is below a folder; None if it is not there."""
    if not output.exists():
        return None
    if output.is_file():
        return sha256_file(output)
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        content = sha256_file(path) if path.is_file() else "folder"
        digest.update(f"{path.relative_to(output)} {content}\n".encode())
    return digest.hexdigest()


def scratch(top: Path) -> list[Path]:
    """What a writer that did not come to its end has left."""
    rooms = [top / PATHS.data, top / PATHS.artifacts, top / PATHS.verdict("x").parent, top / PATHS.releases.parent]
    return [path for room in rooms for path in room.glob(".*") if not path.name.startswith((".gitignore", ".dvc"))]


def copy_monorepo(top: Path) -> Workspace:
    """A copy of this monorepo's sources, tracked or new, without anything that the pipeline made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    wanted = (
        "models/",
        "pipelines/",
        "platform-lib/",
        "gitops/",
        "environments/drift/",
        "environments/serving/",
        ".dvc",
    )
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if source.is_file() and ("/" not in name or name.startswith(wanted)):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, top / name)
    subprocess.run(["git", "init", "--quiet"], cwd=top, check=True)
    return Workspace(top)


def copy_package(workspace: Workspace) -> Path:
    """Give the copy source files of its own, found before those of the environment; return their folder."""
    installed = metadata.distribution(sources.PACKAGE)
    site = workspace.top / "packages"
    for file in installed.files or []:
        if not file.name.endswith(".pyc"):
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(installed.locate_file(file)), site / file)
    return site / sources.FOLDER


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which the whole pipeline has run on thinned data; whoever breaks it mends it."""
    return _finished(tmp_path_factory.getbasetemp() / "finished")


@functools.cache
def _finished(top: Path) -> Workspace:
    workspace = copy_monorepo(top)
    _thin(copy_package(workspace))
    workspace.set_params(_QUICK)
    (top / "dvc.lock").unlink(missing_ok=True)
    done = workspace.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


def _thin(folder: Path) -> None:
    """Keep one flight in eight, and enter the thinned file in the package's record as the installer would."""
    file = folder / sources.FILES["flights"]
    flights = pl.read_csv(zipfile.ZipFile(file).read("flights.csv"), infer_schema=False)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("flights.csv", flights.gather_every(_ONE_IN).write_csv())
    (record,) = folder.parents[1].glob("*.dist-info/RECORD")
    entry = f"{sources.FOLDER}/{file.name}"
    content = file.read_bytes()
    digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    lines = [line for line in record.read_text().splitlines() if not line.startswith(f"{entry},")]
    record.write_text("\n".join([*lines, f"{entry},sha256={digest},{len(content)}"]) + "\n")


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
