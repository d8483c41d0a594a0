"""Faults of upstream's that we mend: the patches beside a component's pins.

Go is given a copy of our module, which takes upstream's from a patched copy. The one in Go's cache, of which it lets
nobody replace a file, stays as go.sum has it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.builds import modules
from infra.builds.components import Component
from infra.errors import PlatformError


@contextmanager
def patched(component: Component) -> Iterator[Path]:
    """The folder of a component's Go module with its patches at work; its own where there are none.

    Raises PlatformError for a patch that does not fit.
    """
    patches = sorted(component.source.glob("*.patch"))
    if not patches:
        yield component.source
        return
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / component.name
        shutil.copytree(component.source, source)
        upstream = source / "upstream"
        shutil.copytree(modules.folder(component), upstream, copy_function=shutil.copyfile)
        for folder, _, _ in os.walk(upstream):
            # In Go's cache nothing may be written to.
            Path(folder).chmod(0o755)
        for patch in patches:
            _apply(component, patch, upstream)
        with (source / "go.mod").open("a") as file:
            # A relative path: programs hold it.
            file.write(f"\nreplace {component.module} => ./upstream\n")
        yield source


def _apply(component: Component, patch: Path, folder: Path) -> None:
    # In a repository around the folder Git would leave alone what is ignored there.
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    command = ["git", "apply", str(patch)]
    run = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
    if run.returncode:
        raise PlatformError(
            f"{patch.name} does not fit {component.module} {component.version}: {run.stderr.strip()}",
            "Make it anew for this version, or remove it if upstream has mended the fault.",
        )
