"""Folders of upstream's Go modules, verified against our go.sum: code, manifests and charts that we never copy."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path

from infra.builds import go
from infra.builds.components import Component
from infra.errors import PlatformError


@functools.cache
def _download(source: Path, module: str, version: str) -> Path:
    toolchain = go.toolchain()
    run = subprocess.run(
        [toolchain.program, "mod", "download", "-json", f"{module}@{version}"],
        cwd=source,
        env=toolchain.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(run.stdout) if run.stdout.strip() else {}
    recorded = f"{module} {version} {answer.get('Sum', 'nothing')}"
    if recorded in (source / "go.sum").read_text().splitlines():
        return Path(answer["Dir"])
    raise PlatformError(
        f"{module} {version} could not be taken from the Go module proxy: "
        f"{answer.get('Error') or run.stderr.strip() or f'{source}/go.sum does not hold {recorded}'}",
        "Check the network and `go env GOPROXY GOSUMDB`, then try again.",
    )


def folder(component: Component) -> Path:
    """The folder of a component's main module in Go's module cache. Raises PlatformError."""
    return _download(component.source, component.module, component.version)
