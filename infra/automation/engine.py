"""Find Pulumi's command, and open a stack whose state and secrets stay on this machine."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import yaml

from infra.errors import PlatformError, UsageError
from infra.paths import PROGRAM, cache_folder, state_folder
from infra.settings import PROJECT, StackSettings, load

OLDEST = (3, 200, 0)
"""The oldest command whose Automation API and `deleted_with` inheritance are known to work with the pinned SDK."""
LAUNCHER = "pulumi-resource-pulumi-python"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def settings_file(stack: str) -> Path:
    """The file of a stack's settings.

    Raises:
        UsageError: there is none, which for Pulumi would be a stack with all defaults
    """
    path = PROGRAM / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        names = sorted(file.name.split(".")[1] for file in PROGRAM.glob("Pulumi.*.yaml"))
        raise UsageError(
            f"There is no stack {stack!r}: {path.name} does not exist in infra/.",
            f"The stacks are {', '.join(names)}. Copy one of their files to make another.",
        )
    return path


def settings_of(path: Path) -> tuple[dict[str, Any], StackSettings]:
    """What a stack's file holds, raw and checked.

    Raises:
        UsageError: it is not YAML, or a setting cannot be used
    """
    try:
        raw = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML: {error}", "Correct it; infra/Pulumi.local.yaml is an example.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "Name a file with --settings.") from None
    return raw, load(raw.get("config") or {}, str(path))


def find_command() -> Path:
    """The user's own `pulumi` if it is new enough, else the one that this repository builds.

    Raises:
        PlatformError: what starts dynamic providers is missing beside it
    """
    own = shutil.which("pulumi")
    command = Path(own) if own and _version(Path(own)) >= OLDEST else _built()
    if not (shutil.which(LAUNCHER) or (command.parent / LAUNCHER).exists()):
        raise PlatformError(
            f"{LAUNCHER} is not on PATH: it comes with Pulumi's own packages, and {command} is the command alone.",
            "Install Pulumi (https://www.pulumi.com/docs/install/), or put tests/pulumi_plugins/bin on PATH where "
            "it cannot be downloaded.",
        )
    return command


def environment(stack: str, command: Path) -> dict[str, str]:
    """The variables with which Pulumi finds this stack's state; what the user has set is left as it is."""
    state = state_folder(stack)
    ours = {
        "PULUMI_BACKEND_URL": f"file://{state / 'pulumi'}",
        "PULUMI_HOME": str(cache_folder() / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    if "PULUMI_CONFIG_PASSPHRASE" not in os.environ:
        ours["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(state / "passphrase")
    chosen = {name: os.environ.get(name, value) for name, value in ours.items()}
    return chosen | {"PATH": f"{command.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def open_stack(stack: str, raw: Mapping[str, Any], program: auto.PulumiFn, command: Path) -> auto.Stack:
    """Create or select a stack, with a workspace of its own so that no file of the repository is written.

    Args:
        stack: its name
        raw: what its settings file holds
        program: the Pulumi program
        command: Pulumi's command line program
    """
    variables = environment(stack, command)
    workspace = state_folder(stack) / "workspace"
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_passphrase(variables)
    _make_backend(variables)
    # The Automation API looks for the command on the PATH of this process.
    os.environ["PATH"] = variables["PATH"]
    options = auto.LocalWorkspaceOptions(
        work_dir=str(workspace),
        project_settings=_project(),
        stack_settings={stack: _stack_settings(stack, raw, workspace)},
        env_vars=variables,
    )
    opened = auto.create_or_select_stack(stack, project_name=PROJECT, program=program, opts=options)
    _forget_a_killed_run(opened)
    return opened


def _forget_a_killed_run(stack: auto.Stack) -> None:
    """Our own lock is held, so a lock of Pulumi's is what a killed run has left, and so is what it had begun.

    Begun creations can be forgotten, because every one of ours finds what is there: server-side apply, and providers
    that go on where they stopped. Else each later run would warn of them.
    """
    stack.cancel()
    state = stack.export_stack()
    if state.deployment and state.deployment.get("pending_operations"):
        rest = {**state.deployment, "pending_operations": []}
        stack.import_stack(auto.Deployment(version=state.version, deployment=rest))


def _project() -> auto.ProjectSettings:
    runtime = auto.ProjectRuntimeInfo("python", {"virtualenv": sys.prefix})
    return auto.ProjectSettings(name=PROJECT, runtime=runtime)


def _stack_settings(stack: str, raw: Mapping[str, Any], workspace: Path) -> auto.StackSettings:
    known = workspace / f"Pulumi.{stack}.yaml"
    before = (yaml.safe_load(known.read_text()) or {}) if known.is_file() else {}
    # Pulumi writes the salt of the passphrase here: lost, the secrets in the state could not be read again.
    salt = raw.get("encryptionsalt") or before.get("encryptionsalt")
    return auto.StackSettings(
        secrets_provider=raw.get("secretsprovider"), encryption_salt=salt, config=raw.get("config") or {}
    )


def _make_passphrase(variables: Mapping[str, str]) -> None:
    path = Path(variables.get("PULUMI_CONFIG_PASSPHRASE_FILE", ""))
    if path.name and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_urlsafe(32))


def _make_backend(variables: Mapping[str, str]) -> None:
    url = variables["PULUMI_BACKEND_URL"]
    if url.startswith("file:///"):
        Path(url.removeprefix("file://")).mkdir(parents=True, exist_ok=True, mode=0o700)


def _version(command: Path) -> tuple[int, ...]:
    try:
        text = subprocess.run(
            [str(command), "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = _VERSION.search(text)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _built() -> Path:
    from infra.builds import program

    return program("pulumi")
