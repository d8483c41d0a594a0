"""What a ``uv.lock`` installs on the serving image's platform: each package, with the one file it is installed from.

The platform is a constant, so that the answer is the same on every machine: CPython 3.11 on Debian 12, x86-64.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from slipway.errors import EnvironmentFault

if TYPE_CHECKING:
    from packaging.tags import Tag

LOCK = "uv.lock"
_PYTHON = (3, 11)
_GLIBC_MINORS = range(36, 4, -1)
PLATFORM = "CPython 3.11, Linux x86_64, glibc 2.36"
# Every variable of the specification, so that nothing is taken from the machine at hand.
# Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
_MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}


@dataclass(frozen=True)
class File:
    """The wheel (or, without one that fits, the source distribution) that is installed."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """A package that gets installed.

    Attributes:
        name: normalised, as in "markdown-it-py".
        version: as locked.
        requires: names of the packages that it needs, all of them installed too.
        file: None for the monorepo's own, which is installed from its folder.
    """

    name: str
    version: str
    requires: tuple[str, ...]
    file: File | None


def read(environment: Path) -> list[Package]:
    """The packages that the project in ``environment`` installs, by name; the project itself is not among them.

    Raises:
        EnvironmentFault: when its lock is missing, is none, or locks no file that fits the platform.
    """
    lock = environment / LOCK
    try:
        entries = tomllib.loads(lock.read_text())["package"]
        (top,) = (entry for entry in entries if entry["source"].get("virtual") == ".")
        found = _reachable({entry["name"]: entry for entry in entries}, top)
    except OSError as error:
        raise EnvironmentFault(f"{lock} cannot be read: {error.strerror}.", f"Run `git checkout {lock}`.") from error
    except (ValueError, LookupError, TypeError) as error:
        raise EnvironmentFault(f"{lock} is not a uv.lock of one project: {error}.", "Run `uv lock` there.") from error
    return [_package(entry, requires) for _, (entry, requires) in sorted(found.items())]


def _reachable(entries: Mapping[str, Any], top: Any) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Each installed entry with the names that it requires, by a walk from ``top`` along what its platform needs."""
    wanted: dict[str, set[str]] = {}
    found: dict[str, tuple[Any, tuple[str, ...]]] = {}
    todo = [(name, extra) for name, extra in _required(top, "")]
    while todo:
        name, extra = todo.pop()
        if extra in wanted.setdefault(name, set()):
            continue
        wanted[name].add(extra)
        entry = entries[name]
        required = list(_required(entry, extra))
        names = set(found[name][1] if name in found else ()) | {needed for needed, _ in required}
        found[name] = entry, tuple(sorted(names))
        todo += [(name, ""), *required]
    return found


def _required(entry: Any, extra: str) -> Iterator[tuple[str, str]]:
    """Name and extra of what ``entry`` needs for itself (extra "") or for one of its extras."""
    from packaging.markers import Marker

    needed = entry.get("optional-dependencies", {})[extra] if extra else entry.get("dependencies", [])
    for dependency in needed:
        if "marker" not in dependency or Marker(dependency["marker"]).evaluate(_MARKERS):
            yield from ((dependency["name"], wanted) for wanted in ("", *dependency.get("extra", ())))


def _package(entry: Any, requires: tuple[str, ...]) -> Package:
    own = "registry" not in entry["source"]
    return Package(entry["name"], entry["version"], requires, None if own else _file(entry))


def _file(entry: Any) -> File:
    from packaging.utils import parse_wheel_filename

    rank = {tag: place for place, tag in enumerate(tags())}
    best: tuple[int, Any] | None = None
    for wheel in entry.get("wheels", ()):
        *_, supported = parse_wheel_filename(unquote(urlsplit(wheel["url"]).path.rpartition("/")[2]))
        place = min((rank[tag] for tag in supported if tag in rank), default=None)
        if place is not None and (best is None or place < best[0]):
            best = place, wheel
    chosen = best[1] if best else entry.get("sdist")
    if chosen is None:
        raise EnvironmentFault(
            f"{entry['name']} {entry['version']} is locked without a file for {PLATFORM}.",
            "Choose a version that has one.",
        )
    return File(chosen["url"], chosen["hash"].removeprefix("sha256:"))


def tags() -> list[Tag]:
    """What wheels the platform can install, best first."""
    from packaging.tags import compatible_tags, cpython_tags

    legacy = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}
    platforms: list[str] = []
    for minor in _GLIBC_MINORS:
        platforms += [f"manylinux_2_{minor}_x86_64", *([legacy[minor]] if minor in legacy else [])]
    platforms.append("linux_x86_64")
    return [
        *cpython_tags(_PYTHON, abis=["cp311"], platforms=platforms),
        *compatible_tags(_PYTHON, interpreter="cp311", platforms=platforms),
    ]


def exported(environment: Path) -> dict[str, str]:
    """What uv itself says that the project installs: name to the sha256 of the file, "" for the monorepo's own.

    A second opinion on :func:`read`, by another program (uv) and another reader (packaging, PEP 751).

    Raises:
        EnvironmentFault: when uv fails.
    """
    from packaging.markers import Environment
    from packaging.pylock import PackageSdist, PackageWheel, Pylock

    command = ["uv", "export", "--quiet", "--frozen", "--offline", "--no-config", "--format=pylock.toml"]
    done = subprocess.run([*command, f"--project={environment}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(f"uv cannot read {environment / LOCK}: {done.stderr.strip()}", "Run `uv lock` there.")
    lock = Pylock.from_dict(tomllib.loads(done.stdout))
    chosen = lock.select(environment=cast(Environment, _MARKERS), tags=tags())
    return {
        package.name: file.hashes["sha256"] if isinstance(file, PackageWheel | PackageSdist) else ""
        for package, file in chosen
    }
