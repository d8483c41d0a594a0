"""The rendered folder of a model in an environment: gitops/rendered/<environment>/<model>/, one file for each kind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from slipway.files import replacing
from slipway.rendering import keys, network, routing, scaling, seldon
from slipway.rendering.served import ENVIRONMENTS, ENVS, RENDERED, Served, folder, freeze, models, read

_HEAD = "# Written by `slipway render` from {source}; edit that, not this.\n"


def rendered(environment: str, model: str) -> Path:
    """The folder, relative to the top folder."""
    return RENDERED / environment / model


def render(served: Served) -> dict[str, bytes]:
    """The content of each file by its name; nothing where nothing is published."""
    found: dict[str, list[dict[str, Any]]] = {}
    for manifest in _manifests(served):
        found.setdefault(f"{manifest['kind'].lower()}.yaml", []).append(manifest)
    return {name: _text(served, manifests) for name, manifests in sorted(found.items())}


def _manifests(served: Served) -> Iterator[dict[str, Any]]:
    if not served.predictors:
        return
    if served.keys:
        yield keys.config_map(served)
    yield seldon.deployment(served)
    if served.canary.shadow is not None:
        yield routing.shadow_service(served)
    yield routing.route(served)
    yield routing.retries(served)
    yield from scaling.autoscalers(served)
    yield from scaling.disruption_budgets(served)
    yield network.policy(served)


def _text(served: Served, manifests: list[dict[str, Any]]) -> bytes:
    head = _HEAD.format(source=folder(served.environment, served.model))
    body = "---\n".join(yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110) for manifest in manifests)
    return (head + body).encode()


class _Dumper(yaml.SafeDumper):
    """Without anchors: equal lists are written out twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write(environment: str, model: str, top: Path = Path()) -> bool:
    """Render one folder below the monorepo's top folder ``top``, and say whether that changed anything.

    Raises:
        UsageError: when there is no such environment or model, or its files are not what they must be.
    """
    wanted, target = render(read(environment, model, top)), top / rendered(environment, model)
    if wanted == held(target):
        return False
    if not wanted:
        _remove(target)
        return True
    with replacing(target) as staged:
        staged.mkdir()
        for name, content in wanted.items():
            (staged / name).write_bytes(content)
    return True


def differences(environment: str, model: str, top: Path = Path()) -> list[str]:
    """The files of a rendered folder that are not what :func:`write` would leave, relative to the top folder."""
    target = rendered(environment, model)
    wanted, found = render(read(environment, model, top)), held(top / target)
    return [str(target / name) for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]


def every(top: Path = Path()) -> list[tuple[str, str]]:
    """Environment and model of each folder below gitops/envs/."""
    return [(environment, model) for environment in ENVIRONMENTS for model in models(environment, top)]


def strays(top: Path = Path()) -> list[str]:
    """What stands in gitops/envs/ or gitops/rendered/ and belongs to no environment and model, relative to ``top``."""
    known = {folder(*each) for each in every(top)} | {rendered(*each) for each in every(top)}
    known |= {freeze(environment) for environment in ENVIRONMENTS}
    found = [path.relative_to(top) for room in (ENVS, RENDERED) for path in (top / room).glob("*/*")]
    return sorted(str(path) for path in found if path not in known)


def held(target: Path) -> dict[str, bytes]:
    """What a rendered folder holds, by the path of each file in it; nothing if there is none."""
    files = (path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in files}


def _remove(target: Path) -> None:
    shutil.rmtree(target)
    for above in (target.parent, target.parent.parent):
        if not any(above.iterdir()):
            above.rmdir()
