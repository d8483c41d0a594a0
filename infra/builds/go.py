"""The Go toolchain: which one there is, how it is called, and what its errors mean."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from infra.builds.components import Component, components
from infra.errors import PlatformError
from infra.paths import cache_folder

# A cold build of every component fills this much of Go's two caches.
DISK_NEEDED = 18 * 2**30
REMEDY_GO = "Install Go {wanted} or later from https://go.dev/dl/ and put its bin folder on PATH."
# What the toolchain prints when it cannot reach the proxy, the checksum database, or the disk.
NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|connection re(?:fused|set)|TLS handshake|: EOF|403 Forbidden|502 "
)
DISK = re.compile(r"no space left on device|disk quota exceeded")


@dataclass(frozen=True)
class Toolchain:
    """A `go` program of one version."""

    program: str
    version: str

    def environment(self) -> dict[str, str]:
        """The environment of a build: this toolchain only, nothing in go.mod changed, static programs."""
        return {
            **os.environ,
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=readonly",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
            "GOCACHE": str(cache_folder() / "upstream" / "go-build"),
        }


# Each takes up to 1.7 GB, and while one links, which takes one core, another compiles.
_AT_ONCE = threading.Semaphore(2)
FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")


@functools.cache
def toolchain() -> Toolchain:
    """The machine's Go. Raises PlatformError where it is missing or too old for one of the components."""
    wanted = max((_go_directive(component) for component in components().values()), key=_numbers)
    program = shutil.which("go")
    if not program:
        raise PlatformError(
            "Go is not on PATH; the platform's programs are built with it.", REMEDY_GO.format(wanted=wanted)
        )
    printed = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    version = printed.strip().removeprefix("go")
    if _numbers(version) < _numbers(wanted):
        what = f"Go {version} ({program}) is too old: the upstream modules ask for {wanted}."
        raise PlatformError(what, REMEDY_GO.format(wanted=wanted))
    return Toolchain(program, version)


def build(component: Component, into: Path, source: Path) -> None:
    """Build a component's programs into the folder `into`. Raises PlatformError with what Go said last.

    `source` is the folder of our Go module: the component's own, or a copy with upstream's faults mended.
    """
    _check_disk(component)
    go = toolchain()
    into.mkdir(parents=True, exist_ok=True)
    names = list(component.programs)
    # With a folder as target, Go names programs by their package; a program alone gets the name that we give it.
    target = into / names[0] if len(names) == 1 else into
    command = [go.program, "build", *FLAGS, "-ldflags", component.linker_flags()]
    command += ["-tags", ",".join(component.tags)] if component.tags else []
    command += ["-o", str(target) if len(names) == 1 else f"{target}{os.sep}"]
    with _AT_ONCE:
        run = subprocess.run(
            [*command, *component.programs.values()],
            cwd=source,
            env=go.environment() | ({"GOOS": "linux"} if component.contained else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        raise _failure(f"{component.name} {component.version} could not be built", run.stderr)
    missing = [name for name in names if not (into / name).is_file()]
    if missing:
        raise PlatformError(
            f"Building {component.name} made no program named {', '.join(missing)}.",
            "Mend infra/upstream/components.yaml: Go names a program by the last part of its package.",
        )


def _failure(what: str, said: str) -> PlatformError:
    last = "\n".join(f"  {line}" for line in said.strip().splitlines()[-8:])
    if DISK.search(said):
        remedy = "Make room, or set XDG_CACHE_HOME and GOMODCACHE to another disk; what was built so far is kept."
    elif NETWORK.search(said):
        remedy = "Check the network and GOPROXY (`go env GOPROXY`), then try again; what was built so far is kept."
    elif "signal: killed" in said:
        remedy = "A compiler was killed, most likely for want of memory: 4 GiB should be free. What was built is kept."
    else:
        remedy = "If go.mod and go.sum are unchanged, this is a fault of ours: please report it with the lines above."
    return PlatformError(f"{what}:\n{last}", remedy)


def _check_disk(component: Component) -> None:
    caches = cache_folder() / "upstream"
    caches.mkdir(parents=True, exist_ok=True)
    warm = component.small or (caches / "go-build").is_dir()
    free, needed = shutil.disk_usage(caches).free, 2 * 2**30 if warm else DISK_NEEDED
    if free < needed:
        what = f"{free / 2**30:.1f} GiB are free in {caches}; building {component.name} needs {needed / 2**30:.0f} GiB."
        raise PlatformError(what, "Make room, or set XDG_CACHE_HOME to a folder on another disk.")


def _go_directive(component: Component) -> str:
    found = re.search(r"^go (\S+)$", (component.source / "go.mod").read_text(), re.MULTILINE)
    return found[1] if found else "1.0"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("rc")[0])[:3])
