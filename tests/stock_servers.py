"""The real stock servers around Slipway's model class, and scripts that run in their environments."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

from benchmarks.serving.servers import ENVIRONMENTS
from tests.live_server import MONOREPO


def post(url: str, message: Any) -> tuple[int, Any]:
    """Post JSON; the status and the decoded answer."""
    request = urllib.request.Request(url, json.dumps(message).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def get(url: str) -> Any:
    """Get JSON."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def run_client(environment: str, script: str, told: Any) -> Any:
    """Run ``tests/conformance/clients/<script>`` by the Python of an environment; JSON in, JSON out."""
    command = [ENVIRONMENTS / environment / ".venv/bin/python", f"tests/conformance/clients/{script}"]
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, check=False, cwd=MONOREPO, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
