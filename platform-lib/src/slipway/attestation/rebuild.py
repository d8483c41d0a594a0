"""A release made once more, from its commit and its data, in a scratch folder; the user's working tree is not touched.

The scratch folder is a clone of the commit. Its pipeline runs from the first stage to the last, without DVC's run
cache, which would only copy what the first build left; data that DVC tracks comes from this monorepo's cache. Python
environments are this monorepo's where the commit locks the same, and are installed for the commit where it does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.attestation.repository import Commit
from slipway.errors import EnvironmentFault
from slipway.files import read_json
from slipway.progress import step
from slipway.release import manifest
from slipway.release.manifest import MANIFEST

# What Git's hooks set: left in place, a checkout in the clone would move the HEAD of the user's own repository.
_OF_A_REPOSITORY = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"}
    | {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
)
_DRIFT = Path("environments/drift")
_LAST_LINES = 30


@dataclass(frozen=True)
class Rebuilt:
    """The outcome.

    Attributes:
        release: digest of the release that was rebuilt.
        commit: what it was rebuilt from.
        made: digest of the release that came out.
        differences: of each file that differs, how ("changed", "missing", "added"); empty if the digests are equal.
    """

    release: str
    commit: str
    made: str
    differences: Mapping[str, str]


def rebuild(folder: Path, commit: Commit, scratch: Path) -> Rebuilt:
    """Rebuild the release in ``folder`` from ``commit``.

    Args:
        folder: the release, named by its digest.
        commit: of the monorepo that made it.
        scratch: an empty folder for the build; some hundred megabytes go there.

    Raises:
        ReleaseBroken: when the release does not verify.
        EnvironmentFault: when the commit cannot be checked out or installed, or a stage fails.
    """
    model = str(manifest.verify(folder)["model"])
    top = scratch / "clone"
    with step(f"checking out commit {commit.name[:12]}"):
        _clone(commit, top)
    environment = _environment(commit, top)
    with step("running the whole pipeline of that commit"):
        _run([_program(environment, "dvc"), "pull", "--allow-missing", "--quiet"], top, environment, may_fail=True)
        stage = f"package@{model}"
        _run(
            [_program(environment, "dvc"), "repro", "--force", "--no-run-cache", "--no-commit", stage], top, environment
        )
    made = _only_release(top / "releases" / model)
    return Rebuilt(folder.resolve().name, commit.name, made.name, differences(folder, made))


def differences(one: Path, other: Path) -> dict[str, str]:
    """How the files of two releases differ, by name: "changed", "missing" from ``other``, or "added" by it."""
    first, second = (read_json(folder / MANIFEST)["files"] for folder in (one, other))
    return {
        name: "missing" if name not in second else "added" if name not in first else "changed"
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    }


def _clone(commit: Commit, top: Path) -> None:
    origin = commit.repository.top
    environment, options = _clean(), ["-c", "advice.detachedHead=false", "-c", f"core.hooksPath={os.devnull}"]
    _run(["git", "clone", "--quiet", "--shared", "--no-checkout", str(origin), str(top)], origin, environment)
    _run(["git", *options, "checkout", "--quiet", commit.name], top, environment)
    cache = _cache(origin)
    if cache is not None:
        config = top / ".dvc" / "config.local"
        config.write_text(f"[cache]\n    dir = {cache}\n")


def _clean() -> dict[str, str]:
    """The environment without what names another repository than the folder's own."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}


def _cache(origin: Path) -> Path | None:
    """Where this monorepo's DVC keeps content, if it has a cache at all."""
    found = subprocess.run(["dvc", "cache", "dir"], cwd=origin, capture_output=True, text=True, check=False)
    folder = Path(found.stdout.strip())
    return folder if found.returncode == 0 and folder.is_dir() else None


def _environment(commit: Commit, top: Path) -> dict[str, str]:
    """Variables by which the clone's stages find their programs and the clone's own library."""
    origin = commit.repository.top
    variables = _clean() | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(top.parent / "site-cache")}
    variables.pop("VIRTUAL_ENV", None)
    # Before the library that is installed, which is the working tree's.
    library = [str(top / "platform-lib" / "src"), variables.get("PYTHONPATH", "")]
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, library))
    if _locks(origin) == _locks(top):
        variables.setdefault("UV_PROJECT_ENVIRONMENT", str(origin / _DRIFT / ".venv"))
        here = Path(sys.executable).parent
        return variables | {"PATH": f"{here}{os.pathsep}{variables['PATH']}", "UV_NO_SYNC": "1", "UV_OFFLINE": "1"}
    with step("installing the Python environments that the commit locks"):
        for project in (Path(), _DRIFT):
            _run(["uv", "sync", "--quiet", "--locked", "--project", str(top / project)], top, variables)
    return variables | {"PATH": f"{top / '.venv' / 'bin'}{os.pathsep}{variables['PATH']}"}


def _locks(top: Path) -> list[bytes]:
    files = (top / part / "uv.lock" for part in (Path(), _DRIFT))
    return [file.read_bytes() if file.is_file() else b"" for file in files]


def _program(environment: Mapping[str, str], name: str) -> str:
    for folder in environment["PATH"].split(os.pathsep):
        if os.access(Path(folder) / name, os.X_OK):
            return str(Path(folder) / name)
    raise EnvironmentFault(f"{name} is not installed.", "Run `make setup`.")


def _run(command: list[str], folder: Path, environment: Mapping[str, str], may_fail: bool = False) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 and not may_fail:
        said = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise EnvironmentFault(f"`{' '.join(command)}` failed while rebuilding:\n{said}\n", "Mend what it says.")


def _only_release(releases: Path) -> Path:
    found = [file.parent for file in releases.glob(f"*/{MANIFEST}")]
    if len(found) != 1:
        raise EnvironmentFault(f"The commit's pipeline made {len(found)} releases instead of one.")
    return found[0]
