"""A whole platform, brought up with `make` as people do, or one that is there already (SLIPWAY_PLATFORM)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests/pulumi_plugins/bin"
SERVICES = ("gateway", "argocd", "git", "mlflow", "prometheus", "alertmanager")
STACK = "local"


class Platform:
    """What tests do with a platform."""

    def __init__(self, record: Path, environment: Mapping[str, str]) -> None:
        self.file = record
        self.environment = {**environment, "SLIPWAY_PLATFORM": str(record)}

    @cached_property
    def record(self) -> dict[str, Any]:
        """What `platform.json` says."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def run(self, *command: str, stdin: str = "") -> str:
        """Standard output of a command at the repository's top. Raises AssertionError with all it said if it fails."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl answers."""
        return self.run(self.kubectl_program, f"--kubeconfig={self.record['kubeconfig']}", *arguments, stdin=stdin)

    def objects(self, *arguments: str) -> dict[str, Any]:
        """What `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def applications(self) -> dict[str, tuple[str, str]]:
        """Argo CD's applications by name: sync status and health."""
        items = self.objects("-n", "argocd", "applications.argoproj.io")["items"]
        return {item["metadata"]["name"]: _state(item.get("status", {})) for item in items}

    def account(self, namespace: str) -> str:
        """How a namespace stands, for whoever only reads of a failed test: with events, and the canary loop's log."""
        looks = {
            "applications": ("-n", "argocd", "get", "applications.argoproj.io"),
            "pods": ("-n", namespace, "get", "pods,seldondeployments", "-o", "wide"),
            "events": ("-n", namespace, "get", "events", "--sort-by=.lastTimestamp"),
            "canary": ("-n", "slipway", "logs", "--selector=app.kubernetes.io/name=canary", "--prefix", "--tail=12"),
        }
        return "".join(f"\n{name}:\n{_last_lines(self._look(*look))}" for name, look in looks.items())

    def _look(self, *arguments: str) -> str:
        try:
            return self.kubectl("--request-timeout=20s", *arguments)
        except AssertionError as error:
            return str(error)

    @cached_property
    def kubectl_program(self) -> str:
        """The path of the kubectl of the platform's own version."""
        found = self.run(str(ROOT / "infra/.venv/bin/python"), "-m", "infra.builds", "path", "kubectl")
        return found.strip()


def _last_lines(said: str, most: int = 24, longest: int = 300) -> str:
    return "\n".join(f"  {line[:longest]}" for line in said.splitlines()[-most:])


def _state(status: dict[str, Any]) -> tuple[str, str]:
    return status.get("sync", {}).get("status", "Unknown"), status.get("health", {}).get("status", "Unknown")


def eventually(condition: Callable[[], object], what: str, seconds: float) -> None:
    """Wait until the condition is true. Raises AssertionError that names what did not come to be."""
    last: object = None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        last = condition()
        if last is True:
            return
        time.sleep(1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s; last seen: {last}")


def environment(folder: Path, first_port: int) -> dict[str, str]:
    """The variables with which `make platform-*` keeps a platform of its own below `folder`."""
    settings = folder / "Pulumi.local.yaml"
    ports = {name: first_port + offset for offset, name in enumerate(SERVICES)}
    settings.write_text(yaml.safe_dump({"config": {"slipway:provider": "auto", "slipway:ports": ports}}))
    own = {"XDG_STATE_HOME": str(folder / "state"), "SLIPWAY_SETTINGS": str(settings), "STACK": STACK}
    own["SLIPWAY_PLATFORM"] = str(record_file(folder))
    if not _official_plugins():
        own["PATH"] = f"{PLUGINS}:{os.environ['PATH']}"
    return {**os.environ, **own}


def record_file(folder: Path) -> Path:
    """Where the platform that lives below `folder` describes itself."""
    return folder / "state/slipway" / STACK / "platform.json"


def _official_plugins() -> bool:
    installed = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi")) / "plugins"
    return shutil.which("pulumi-language-python") is not None and any(installed.glob("resource-kubernetes-*"))
