"""The programs of a platform, built from pinned Go modules and kept by content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from infra.builds import go, patches, store
from infra.builds.components import Component, components
from infra.builds.progress import Progress, Quiet
from infra.errors import UsageError
from infra.paths import cache_folder


def entry(component: Component) -> store.Entry:
    """The store's entry of a component as it is pinned now, for this machine's toolchain."""
    key = component.key(*go.FLAGS, go.toolchain().version)
    return store.Entry(cache_folder() / "upstream", component.name, key)


def built(component: Component, progress: Progress | None = None) -> Path:
    """The folder that holds a component's programs, built if they are missing or broken."""
    progress = progress or Quiet()
    watch = store.Watch(broken=progress.broken, waiting=progress.waiting)
    with progress.part(component.name) as part:

        def make(folder: Path) -> None:
            part.building()
            with patches.patched(component) as source:
                go.build(component, folder, source)

        return store.obtain(entry(component), make, watch)


def program(name: str, progress: Progress | None = None) -> Path:
    """The path of one program, e.g. `kubectl`. Raises UsageError for a name that no component has."""
    return programs([name], progress)[name]


def programs(names: Iterable[str], progress: Progress | None = None) -> dict[str, Path]:
    """Where each of the programs is; each component is built, or held against its manifest, once.

    Raises UsageError for a name that no component has.
    """
    wanted = set(names)
    owners = {name: component for component in components().values() for name in component.programs}
    for name in wanted - owners.keys():
        raise UsageError(f"No component has a program named {name}.", f"There are: {', '.join(sorted(owners))}.")
    needed = [component for component in components().values() if component.programs.keys() & wanted]
    folders = {component.name: built(component, progress) for component in needed}
    return {name: folders[owners[name].name] / name for name in wanted}
