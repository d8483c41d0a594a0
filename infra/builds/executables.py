"""The programs of a platform, built from pinned Go modules and kept by content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.builds import go, store
from infra.builds.components import Component, components
from infra.builds.progress import Progress, Quiet
from infra.errors import UsageError
from infra.paths import cache_folder


@dataclass(frozen=True)
class Programs:
    """Where the programs are that run outside of images."""

    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubelet: Path
    kube_proxy: Path
    kubectl: Path
    etcd: Path
    pulumi: Path
    helm: Path
    kustomize: Path


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
            go.build(component, folder)

        return store.obtain(entry(component), make, watch)


def program(name: str, progress: Progress | None = None) -> Path:
    """The path of one program, e.g. `kubectl`. Raises UsageError for a name that no component has."""
    for component in components().values():
        if name in component.programs:
            return built(component, progress) / name
    known = ", ".join(sorted(name for component in components().values() for name in component.programs))
    raise UsageError(f"No component has a program named {name}.", f"There are: {known}.")


def programs(progress: Progress | None = None) -> Programs:
    """Build what is missing, and tell where each program is."""
    names = {field: field.replace("_", "-") for field in Programs.__dataclass_fields__}
    wanted = [part for part in components().values() if part.programs.keys() & set(names.values())]
    paths = _paths(wanted, progress)
    return Programs(**{field: paths[name] for field, name in names.items()})


def _paths(wanted: Iterable[Component], progress: Progress | None) -> dict[str, Path]:
    folders = [(component, built(component, progress)) for component in wanted]
    return {name: folder / name for component, folder in folders for name in component.programs}
