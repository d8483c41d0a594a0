"""The stages between sources and release: who reads whose output, and the sha256 of each output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.files import sha256_file, sha256_folder
from slipway.project import ModelPaths

_PIPELINE = Path("dvc.yaml")
_LOCK = Path("dvc.lock")


@dataclass(frozen=True)
class Output:
    """A file or folder that a stage writes.

    Attributes:
        path: relative to the top folder.
        sha256: of its content as it is on disk, None where it does not exist.
        recorded: the digest that dvc.lock holds for it ("md5:..."), None where it holds none.
    """

    path: str
    sha256: str | None
    recorded: str | None


@dataclass(frozen=True)
class Stage:
    """A stage: its name, the stages whose outputs it reads, the other files that it depends on, its outputs."""

    name: str
    after: list[str]
    code: list[str]
    outputs: list[Output]


def read(paths: ModelPaths) -> list[Stage]:
    """The stages of dvc.yaml for the model of ``paths``, in the order of that file."""
    stages = {name: _of_model(body, paths.name) for name, body in _load(_PIPELINE).get("stages", {}).items()}
    locked = _locked(paths.name)
    writers = {path: name for name, body in stages.items() for path in _files(body.get("outs", []))}
    return [_stage(name, body, writers, locked) for name, body in stages.items()]


def _stage(name: str, body: Mapping[str, Any], writers: Mapping[str, str], locked: Mapping[str, str]) -> Stage:
    reads = {path: _writer(path, writers) for path in _files(body.get("deps", []))}
    return Stage(
        name=name,
        after=list(dict.fromkeys(writer for writer in reads.values() if writer)),
        code=[path for path, writer in reads.items() if not writer],
        outputs=[Output(path, _sha256(Path(path)), locked.get(path)) for path in _files(body.get("outs", []))],
    )


def _of_model(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A stage's body with ``${key}`` filled in; one without ``foreach`` is the body itself."""
    text = yaml.safe_dump(dict(body.get("do", body)))
    filled: dict[str, Any] = yaml.safe_load(text.replace("${key}", model))
    return filled


def _files(entries: Iterable[str | Mapping[str, Any]]) -> list[str]:
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def _writer(path: str, writers: Mapping[str, str]) -> str | None:
    """The stage that writes ``path`` or a folder that it is in."""
    within = [str(parent) for parent in (Path(path), *Path(path).parents)]
    return next((writers[parent] for parent in within if parent in writers), None)


def _locked(model: str) -> dict[str, str]:
    """What dvc.lock recorded for each output of the model's stages."""
    return {
        out["path"]: f"{out.get('hash', 'md5')}:{out[out.get('hash', 'md5')]}"
        for name, body in _load(_LOCK).get("stages", {}).items()
        if name.partition("@")[2] in ("", model)
        for out in body.get("outs", [])
    }


def _load(file: Path) -> dict[str, Any]:
    return (yaml.safe_load(file.read_text()) or {}) if file.is_file() else {}


def _sha256(path: Path) -> str | None:
    if path.is_dir():
        return sha256_folder(path)
    return sha256_file(path) if path.is_file() else None
