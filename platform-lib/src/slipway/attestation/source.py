"""Which commit holds exactly what a release was made of.

A commit does if its dvc.lock names the release's content as the pipeline's output, if what dvc.lock says ran are the
stages of its dvc.yaml, and if every file that dvc.lock says the pipeline read is in that very commit or was written by
another of its stages. The working tree is not asked: whether it is dirty says nothing about a release made before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from slipway.attestation.repository import Commit, Repository
from slipway.errors import SlipwayError
from slipway.files import read_json

LOCK, PARAMS, PIPELINE = "dvc.lock", "params.yaml", "dvc.yaml"
_CHUNK = 1 << 20
Stages = Mapping[str, Mapping[str, Any]]


class SourceUnknown(SlipwayError):
    """No commit holds what the release was made of."""

    exit_code = 3


def find(folder: Path, model: str, top: Path) -> Commit:
    """The newest commit of the monorepo ``top`` that holds all that the release in ``folder`` was made of.

    Raises:
        SourceUnknown: when there is none; it names what the likeliest commit lacks.
    """
    repository = Repository(top)
    if not repository.exists:
        raise SourceUnknown(f"{top} has no commit that the release could have been made of.", "Commit your work.")
    doubts: list[SourceUnknown] = []
    content = _release_digest(folder)
    for name in repository.commits_of(LOCK):
        commit = Commit(repository, name)
        try:
            _check(commit, folder, model, content)
        except _NamesAnother:
            continue
        except SourceUnknown as error:
            doubts.append(error)
            continue
        return commit
    if doubts:
        raise doubts[0]
    raise SourceUnknown(
        f"No commit's {LOCK} names release {folder.name} as the output of model {model}.",
        f"Commit {LOCK} together with what the release was made of.",
    )


def held(repository: Repository, commit: str, release: str) -> Commit:
    """The commit that a statement names as the source of ``release``.

    Raises:
        SourceUnknown: when this clone does not have it.
    """
    found = repository.commit(commit)
    if found is None:
        raise SourceUnknown(
            f"Release {release[:12]} was made of commit {commit}, says its statement, and this clone lacks it.",
            "Fetch it: git fetch.",
        )
    return found


class _NamesAnother(SourceUnknown):
    """The commit's dvc.lock knows another release, or none."""


def check(commit: Commit, folder: Path, model: str) -> None:
    """Check that ``commit`` holds all that the release in ``folder`` was made of.

    Raises:
        SourceUnknown: naming the first thing that it does not hold.
    """
    _check(commit, folder, model, _release_digest(folder))


def _check(commit: Commit, folder: Path, model: str, content: str) -> None:
    read = commit.read([LOCK, PARAMS, PIPELINE])
    stages = _stages(read.get(LOCK, b""), model)
    output = f"releases/{model}"
    recorded = {out["path"]: out.get("md5") for stage in stages.values() for out in stage.get("outs", [])}
    if recorded.get(output) != content:
        raise _NamesAnother(
            f"{LOCK} of commit {commit.name[:12]} names another content of {output} than release {folder.name}.",
            "Verify the release that the commit made, or sign the one at hand anew.",
        )
    for name in _other_stages(stages, _yaml(read.get(PIPELINE, b"")), model):
        raise SourceUnknown(
            f"The release was made by another stage {name} than {PIPELINE} of commit {commit.name[:12]} has.",
            f"Commit {PIPELINE} as it was, or run `dvc repro` and commit {LOCK}.",
        )
    for path in _foreign(commit, stages, recorded):
        raise SourceUnknown(
            f"The release was made with {path} as no commit holds it: {LOCK} of commit {commit.name[:12]} names "
            "another content than the commit has.",
            f"Commit {path} as it was, or run `dvc repro` and commit {LOCK}.",
        )
    _check_params(read.get(PARAMS, b""), folder, model, commit)


def _stages(lock: bytes, model: str) -> Stages:
    content = _yaml(lock)
    stages = content.get("stages", {}) if isinstance(content, dict) else {}
    return {name: stage for name, stage in stages.items() if name.partition("@")[2] in ("", model)}


def _yaml(content: bytes) -> Any:
    # The C parser takes a tenth of the other's time, which is more than all else that is done here.
    try:
        return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except yaml.YAMLError:
        return {}  # committed in the middle of a merge: it names no release


def _other_stages(stages: Stages, pipeline: Any, model: str) -> Iterator[str]:
    """The stages that ran by another command, read or wrote other paths than the pipeline says, or are not in it."""
    written = pipeline.get("stages") if isinstance(pipeline, dict) else None
    definitions = {name: entry.get("do", entry) for name, entry in (written or {}).items()}
    ran = {name.partition("@")[0]: stage for name, stage in stages.items()}
    for name in sorted(definitions.keys() | ran.keys()):
        expected, found = definitions.get(name, {}), ran.get(name, {})
        paths = {
            kind: {entry["path"] for entry in found.get(kind, [])} == set(_filled(expected.get(kind, []), model))
            for kind in ("deps", "outs")
        }
        if [found.get("cmd")] != list(_filled([expected.get("cmd")], model)) or not all(paths.values()):
            yield name


def _filled(entries: list[Any], model: str) -> Iterator[str]:
    """What dvc.yaml has as text, or as the key of a mapping of options, with the model's name put in."""
    for entry in entries:
        yield str(next(iter(entry)) if isinstance(entry, dict) else entry).replace("${key}", model)


def _foreign(commit: Commit, stages: Stages, recorded: Mapping[str, str]) -> Iterator[str]:
    """What the stages read that is neither in the commit nor the output of a stage."""
    deps = {dep["path"]: dep.get("md5") for stage in stages.values() for dep in stage.get("deps", [])}
    tracked = {path: digest for path, digest in deps.items() if path not in recorded}
    below = {path: [name for name in commit.files if name.startswith(f"{path}/")] for path in tracked}
    content = commit.read([name for path in tracked for name in ([path] if path in commit.files else below[path])])
    for path, digest in sorted(tracked.items()):
        if path in content:
            held = _md5(content[path])
        else:
            held = _folder_md5({name.removeprefix(f"{path}/"): _md5(content[name]) for name in below[path]})
        if held != digest:
            yield path
    for path, digest in sorted(deps.items()):
        if path in recorded and recorded[path] != digest:
            yield path


def _check_params(params: bytes, folder: Path, model: str, commit: Commit) -> None:
    content = _yaml(params)
    models = content.get("models") if isinstance(content, dict) else None
    block = models.get(model) if isinstance(models, dict) else None
    if not isinstance(block, dict) or not _within(block, read_json(folder / "params.json")):
        raise SourceUnknown(
            f"The release was made with other parameters than {PARAMS} of commit {commit.name[:12]} has.",
            f"Commit {PARAMS} as it was, or run `dvc repro` and commit {LOCK}.",
        )


def _within(part: Any, whole: Any) -> bool:
    """Whether ``whole`` says all that ``part`` says; a default that YAML leaves out may come on top."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and _within(value, whole[key]) for key, value in part.items()
        )
    return bool(part == whole)


def _release_digest(folder: Path) -> str:
    """What DVC calls the folder that holds nothing but this release."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return _folder_md5({f"{folder.name}/{path.relative_to(folder).as_posix()}": _md5_of(path) for path in files})


def _folder_md5(listing: Mapping[str, str]) -> str:
    # As dvc_data.hashfile.tree.Tree does it.
    entries = [{"md5": digest, "relpath": name} for name, digest in sorted(listing.items())]
    return _md5(json.dumps(entries, sort_keys=True).encode()) + ".dir"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _md5_of(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
