"""What the platform's guide and the README show is run, in the order in which they show it."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.cluster.platform import Platform, eventually
from tests.conftest import ROOT
from tests.docs import commands

GUIDES = (ROOT / "README.md", ROOT / "docs/guides/platform.md")
# What brings the platform of this test run up and down; the fixture `platform` does that with the same commands.
OF_THE_FIXTURE = {"make platform-down"}


def _shown() -> list[str]:
    found = [command for guide in GUIDES for command in commands.commands(guide)]
    kept = [c for c in found if commands.runner(c) == "cluster" and c not in OF_THE_FIXTURE]
    return sorted(set(kept), key=kept.index)


def test_nothing_that_is_shown_is_left_out() -> None:
    everywhere = {command for command in commands.all_commands() if commands.runner(command) == "cluster"}
    assert everywhere == set(_shown()) | OF_THE_FIXTURE


@pytest.mark.parametrize("command", _shown())
def test_command_works(platform: Platform, command: str) -> None:
    port = urlsplit(platform.record["urls"]["gateway"]).port
    shown = command.replace(".localhost:8080", f".localhost:{port}").replace("curl -s ", "curl -sS --fail ")
    answer = platform.run("bash", "-c", shown)
    if shown.startswith("curl"):
        assert "flight_delay" in json.dumps(json.loads(answer))


def test_up_again_changes_nothing(platform: Platform) -> None:
    answer = platform.run("infra/.venv/bin/python", "-m", "infra.automation", "up", "--stack", "local", "--json")
    changes = json.loads(answer)["changes"]
    assert set(changes) == {"same"}, changes


def test_every_application_is_healthy(platform: Platform) -> None:
    def settled() -> object:
        wrong = {name: state for name, state in platform.applications().items() if state != ("Synced", "Healthy")}
        return wrong or True

    eventually(settled, "all applications Synced and Healthy", 240)
    assert {"seldon-core", "envoy-gateway", "nats", "mlflow", "monitoring"} <= set(platform.applications())


def test_drift_is_shown(platform: Platform) -> None:
    """A hand that changes what Pulumi made is seen by the preview, and put right by the next up."""
    platform.kubectl("-n", "argocd", "label", "--overwrite", "deployment/argocd-server", "app.kubernetes.io/name=x")
    preview = platform.run("make", "platform-preview")
    assert re.search(r"update\s.*argocd-server", preview), preview
    platform.run("infra/.venv/bin/python", "-m", "infra.automation", "up", "--stack", "local", "--json")
    assert "Nothing would change" in platform.run("make", "platform-preview")
