"""A release that is not what it claims to be: ``slipway verify`` is exit 3 and names the file, and nothing loads it."""

from __future__ import annotations

import hashlib
import json
import os
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway import cli
from slipway.errors import SlipwayError
from slipway.files import canonical_json
from slipway.release import load
from slipway.release.manifest import MANIFEST, verify
from tests.faults.workspace import Workspace, finished

__all__ = ["finished"]

Tamper = Callable[[Path], Path]


@pytest.fixture
def release(finished: Workspace, tmp_path: Path) -> Path:
    """A release of one's own, whole."""
    return Path(shutil.copytree(finished.release(), tmp_path / finished.release().name))


def _remanifested(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Change the manifest and name the folder by it, as a forger would."""
    manifest = json.loads((folder / MANIFEST).read_text())
    return _renamed(folder, canonical_json(change(manifest)))


def _renamed(folder: Path, manifest: bytes) -> Path:
    (folder / MANIFEST).write_bytes(manifest)
    return folder.rename(folder.parent / hashlib.sha256(manifest).hexdigest())


def _flip(folder: Path) -> Path:
    file = folder / "model.txt"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return folder


def _append(folder: Path) -> Path:
    with (folder / "drift" / "reading.json").open("ab") as file:
        file.write(b" ")
    return folder


def _missing(folder: Path) -> Path:
    (folder / "state.json").unlink()
    return folder


def _extra(folder: Path) -> Path:
    (folder / "model" / "extra.py").write_text("")
    return folder


def _compiled(folder: Path) -> Path:
    """Python would take compiled code without looking at the source that the manifest vouches for."""
    planted = folder.parent / "features.py"
    planted.write_text("raise SystemExit('planted code ran')\n")
    target = folder / "model" / "__pycache__" / "features.cpython-311.pyc"
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(planted), str(target), invalidation_mode=mode)
    return folder


def _symlink(folder: Path) -> Path:
    outside = folder.parent / "card.md"
    (folder / "card.md").rename(outside)
    (folder / "card.md").symlink_to(outside)
    return folder


def _symlinked_folder(folder: Path) -> Path:
    outside = folder.parent / "drift"
    (folder / "drift").rename(outside)
    (folder / "drift").symlink_to(outside, target_is_directory=True)
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder


def _rename(folder: Path) -> Path:
    return folder.rename(folder.parent / ("0" * 64))


def _schema(folder: Path) -> Path:
    return _remanifested(folder, lambda manifest: manifest | {"schema": 2})


def _no_manifest(folder: Path) -> Path:
    (folder / MANIFEST).unlink()
    return folder


def _truncated(folder: Path) -> Path:
    content = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(content[: len(content) // 2])
    return folder


def _truncated_and_renamed(folder: Path) -> Path:
    content = (folder / MANIFEST).read_bytes()
    return _renamed(folder, content[: len(content) // 2])


def _no_mapping(folder: Path) -> Path:
    return _remanifested(folder, lambda _: [])


def _no_files(folder: Path) -> Path:
    return _remanifested(folder, lambda manifest: {k: v for k, v in manifest.items() if k != "files"})


def _broken_entry(folder: Path) -> Path:
    return _remanifested(folder, lambda manifest: manifest | {"files": manifest["files"] | {"card.md": None}})


def _outside(folder: Path) -> Path:
    """Listing ../x must not make a file outside part of the release."""
    (folder.parent / "x").write_text("")
    entry = {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
    return _remanifested(folder, lambda manifest: manifest | {"files": manifest["files"] | {"../x": entry}})


FAULTS: dict[str, tuple[Tamper, str]] = {
    "changed byte": (_flip, "model.txt has sha256 "),
    "appended byte": (_append, "drift/reading.json has sha256 "),
    "missing file": (_missing, "state.json is missing from the release"),
    "extra file": (_extra, "model/extra.py is not part of the release"),
    "planted compiled code": (_compiled, "model/__pycache__/features.cpython-311.pyc is not part of the release"),
    "symlink": (_symlink, "card.md is a symbolic link"),
    "symlinked folder": (_symlinked_folder, "drift is a symbolic link"),
    "pipe": (_pipe, "pipe is a pipe or a device"),
    "renamed folder": (_rename, "manifest.json has sha256 "),
    "other schema": (_schema, "manifest.json has schema 2; this Slipway reads schema 1"),
    "no manifest": (_no_manifest, "it holds no manifest.json"),
    "truncated manifest": (_truncated, "manifest.json has sha256 "),
    "truncated manifest, renamed": (_truncated_and_renamed, "manifest.json is not valid JSON"),
    "manifest is a list": (_no_mapping, "manifest.json has schema None"),
    "manifest without files": (_no_files, "manifest.json does not say its model and its files"),
    "manifest with a broken entry": (_broken_entry, "manifest.json does not say its model and its files"),
    "manifest lists ../x": (_outside, "../x is missing from the release"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_refused_and_the_file_is_named(release: Path, fault: str) -> None:
    tamper, said = FAULTS[fault]
    broken = tamper(release)
    for way_in in (verify, load):
        with pytest.raises(SlipwayError) as caught:
            way_in(broken)
        assert caught.value.exit_code == 3
        assert said in caught.value.what
        assert caught.value.remedy


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "no manifest"])
def test_slipway_verify_is_exit_3_and_names_the_file(
    release: Path, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper, said = FAULTS[fault]
    monkeypatch.setattr("sys.argv", ["slipway", "verify", str(tamper(release)), "--json"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["verified"] is False
    assert said in next(check["said"] for check in found["checks"] if check["state"] == "REFUSED")
    assert said in err


def test_the_whole_release_verifies_and_answers(release: Path) -> None:
    before = sorted(release.rglob("*"))
    loaded = load(release)
    assert loaded.digest == release.name
    assert 0 < loaded.score_row(json.loads((release / "example.json").read_text())) < 1
    assert sorted(release.rglob("*")) == before, "loading a release must leave nothing in it"
    verify(release)
