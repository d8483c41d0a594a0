"""The manifest lists each file; tests/faults/test_tampered_release.py has what it must not let pass."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from slipway.release.manifest import MANIFEST, ReleaseBroken, digest_of, verify, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A release of two files, named by its digest."""
    (tmp_path / "new" / "sub").mkdir(parents=True)
    (tmp_path / "new" / "a").write_bytes(b"1")
    (tmp_path / "new" / "sub" / "b").write_bytes(b"22")
    return (tmp_path / "new").rename(tmp_path / write(tmp_path / "new", "toy"))


def test_it_lists_sha256_and_size_of_each_file(folder: Path) -> None:
    assert json.loads((folder / MANIFEST).read_bytes()) == {
        "schema": 1,
        "model": "toy",
        "files": {
            "a": {"sha256": hashlib.sha256(b"1").hexdigest(), "bytes": 1},
            "sub/b": {"sha256": hashlib.sha256(b"22").hexdigest(), "bytes": 2},
        },
    }


def test_the_digest_is_the_sha256_of_the_manifest(folder: Path) -> None:
    assert digest_of(folder) == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest() == folder.name


def test_a_folder_of_another_name_verifies_by_the_digest_it_must_have(folder: Path) -> None:
    digest = folder.name
    stored = folder.rename(folder.parent / "stored")
    assert verify(stored, digest)["model"] == "toy"
    with pytest.raises(ReleaseBroken, match="the release is named stored"):
        verify(stored)


@pytest.mark.parametrize("model", ["../../etc", "/etc", "a/b", "", ".", "a\0", "\x1b[2K", "-x", 5, None, ["toy"]])
def test_a_model_s_name_leads_nowhere_else(folder: Path, model: object) -> None:
    content = json.dumps(json.loads((folder / MANIFEST).read_bytes()) | {"model": model}).encode()
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ReleaseBroken, match="does not say its model and its files"):
        verify(folder, hashlib.sha256(content).hexdigest())


def test_what_cannot_be_read_is_not_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by permissions: who runs tests as root may read everything.
    monkeypatch.setattr("os.access", lambda path, _: Path(path).name != "sub")
    with pytest.raises(ReleaseBroken, match=r"sub cannot be read\."):
        verify(folder)


def test_a_link_to_a_release_is_named_by_what_it_points_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    assert verify(tmp_path / "current")["model"] == "toy"


def test_a_manifest_within_does_not_list_itself_but_one_below_is_a_file(folder: Path) -> None:
    (folder / "sub" / MANIFEST).write_text("{}")
    with pytest.raises(ReleaseBroken, match=r"sub/manifest\.json is not part of the release"):
        verify(folder)


def test_it_is_not_written_over_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(ReleaseBroken, match="a is a symbolic link"):
        write(tmp_path, "toy")
    assert not (tmp_path / MANIFEST).exists()
