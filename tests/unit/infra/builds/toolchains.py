"""Programs that answer as `go` does, for tests of what is done with the answers."""

from __future__ import annotations

import stat
from pathlib import Path


def install(folder: Path, name: str, script: str) -> Path:
    """Put an executable shell script into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def go(folder: Path, build: str, version: str = "go1.99.0") -> Path:
    """A toolchain that says its version, and runs a script for everything else."""
    return install(folder, "go", f'if [ "$1 $2" = "env GOVERSION" ]; then echo {version}; exit; fi\n{build}')
