"""One file and back: equal bytes, bounded memory, and nothing on disk that was not verified."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.attestation import archive
from slipway.attestation.archive import ArchiveRefused
from slipway.attestation.forgery import entry
from slipway.errors import EnvironmentFault, UsageError
from slipway.release import manifest, signing, trust
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.manifest import ReleaseBroken

END = bytes(1024)
LARGE = 1 << 30


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "releases" / "unnamed"
    (folder / "model").mkdir(parents=True)
    (folder / "model.txt").write_bytes(b"trees" * 1000)
    (folder / "model" / "features.py").write_text("# features")
    (folder / "empty").write_text("")
    return folder.rename(folder.with_name(manifest.write(folder, "flight_delay")))


@pytest.fixture
def public(release: Path, tmp_path: Path) -> Path:
    """The key of who signed the release; the signature is beside it."""
    public = signing.new_keys(tmp_path / "key.pem")
    signing.sign(release, tmp_path / "key.pem", _said(release)[0])
    return public


def _said(release: Path) -> list[Path]:
    return [release.with_name(release.name + suffix) for suffix in archive.SUFFIXES]


@pytest.fixture
def packed(release: Path, public: Path, tmp_path: Path) -> Path:
    archive.pack(release, _said(release), tmp_path / "r.tar")
    return tmp_path / "r.tar"


def test_there_and_back(packed: Path, release: Path, public: Path, tmp_path: Path) -> None:
    folder = archive.unpack(packed, tmp_path / "to", public)
    assert folder == tmp_path / "to" / release.name
    assert manifest.verify(folder) == manifest.verify(release)
    assert trust.signature_of(folder, "flight_delay").read_bytes() == _said(release)[0].read_bytes()
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == [release.name, f"{release.name}.sig"]
    assert archive.unpack(packed, tmp_path / "to", public) == folder, "once more is as good"


def test_equal_content_gives_equal_bytes_and_any_tar_reads_them(packed: Path, release: Path, tmp_path: Path) -> None:
    os.utime(release / "model.txt", (1, 1))
    (release / "empty").chmod(0o700)
    archive.pack(release, _said(release), tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()
    with tarfile.open(packed) as tar:
        names = tar.getnames()
        assert names[0] == f"{release.name}/manifest.json"
        member = tar.extractfile(f"{release.name}/model.txt")
        assert member is not None
        assert member.read() == b"trees" * 1000
    assert len(names) == 5


def test_a_broken_release_is_not_packed_and_a_release_stays_sealed(release: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sealed"):
        archive.pack(release, _said(release), release / "r.tar")
    (release / "model.txt").write_text("other")
    with pytest.raises(ReleaseBroken):
        archive.pack(release, _said(release), tmp_path / "r.tar")
    assert not (tmp_path / "r.tar").exists()


def test_a_name_that_is_too_long_for_a_tar(release: Path, tmp_path: Path) -> None:
    (release / ("x" * 200)).write_text("")
    (release / "manifest.json").unlink()
    longer = release.rename(release.with_name(manifest.write(release, "flight_delay")))
    with pytest.raises(UsageError, match="does not fit into an archive"):
        archive.pack(longer, _said(longer), tmp_path / "r.tar")


Forge = Callable[[str, bytes], bytes]


def _begun(digest: str, content: bytes) -> bytes:
    return entry(f"{digest}/manifest.json", content)


FORGERIES: dict[str, tuple[Forge, str]] = {
    "symlink": (lambda d, m: _begun(d, m) + entry(f"{d}/x", kind=tarfile.SYMTYPE, target="/x"), "a symbolic link"),
    "hard link": (lambda d, m: _begun(d, m) + entry(f"{d}/x", kind=tarfile.LNKTYPE, target="/x"), "a hard link"),
    "device": (lambda d, m: _begun(d, m) + entry(f"{d}/x", kind=tarfile.BLKTYPE), "a device"),
    "pipe": (lambda d, m: _begun(d, m) + entry(f"{d}/x", kind=tarfile.FIFOTYPE), "a pipe"),
    "folder": (lambda d, m: _begun(d, m) + entry(f"{d}/model", kind=tarfile.DIRTYPE), "a folder"),
    "long name": (lambda d, m: entry("x", b"../../y", tarfile.GNUTYPE_LONGNAME), "an entry of type"),
    "extended header": (lambda d, m: entry("x", b"12 path=../y\n", tarfile.XHDTYPE), "an entry of type"),
    "sparse": (lambda d, m: _begun(d, m) + entry(f"{d}/x", kind=tarfile.GNUTYPE_SPARSE), "an entry of type"),
    "out of it": (lambda d, m: _begun(d, m) + entry(f"{d}/../x"), "a path that leads out of the release"),
    "out of it at once": (lambda d, m: entry("../manifest.json", m), "a path that leads out of the release"),
    "absolute": (lambda d, m: _begun(d, m) + entry("/etc/cron.d/x"), "a path that leads out of the release"),
    "twice": (lambda d, m: _begun(d, m) + 2 * entry(f"{d}/empty"), "holds '.*/empty' twice"),
    "not listed": (lambda d, m: _begun(d, m) + entry(f"{d}/more"), "which its manifest does not list"),
    "beside": (lambda d, m: _begun(d, m) + entry("x.sig"), "which its manifest does not list"),
    "too long": (lambda d, m: _begun(d, m) + entry(f"{d}/empty", b"1"), "of 1 bytes; its manifest says 0"),
    "lacks a file": (
        lambda d, m: _begun(d, m) + entry(f"{d}/empty"),
        r"lacks '.*/model.txt', which its manifest lists",
    ),
    "other manifest": (lambda d, m: _begun(d, m + b" "), "but its manifest has another sha256"),
    "no manifest first": (lambda d, m: entry(f"{d}/empty"), "does not begin with the manifest"),
    "no digest": (lambda d, m: entry("release/manifest.json", m), "does not begin with the manifest"),
    "empty": (lambda d, m: b"", "does not begin with the manifest"),
    "something after the end": (lambda d, m: _begun(d, m) + END + b"x", "holds something after its end"),
    "no tar": (lambda d, m: b"PK\3\4" * 200, "is no tar"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_refused_leaves_nothing(release: Path, tmp_path: Path, forgery: str) -> None:
    forge, said = FORGERIES[forgery]
    file, to = tmp_path / "forged.tar", tmp_path / "deep" / "to"
    file.write_bytes(forge(release.name, (release / "manifest.json").read_bytes()) + END)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArchiveRefused, match=said):
        archive.unpack(file, to)
    assert list(to.rglob("*")) == []
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in (to, to.parent)] == before


@pytest.mark.parametrize("left", [0, 100, 512, 700, 1024, -1025])
def test_an_archive_that_is_cut_off(packed: Path, tmp_path: Path, left: int) -> None:
    packed.write_bytes(packed.read_bytes()[:left])
    with pytest.raises((ArchiveRefused, ReleaseBroken)):
        archive.unpack(packed, tmp_path / "to")
    assert not (tmp_path / "to").exists() or not list((tmp_path / "to").iterdir())


def test_a_manifest_bomb(release: Path, tmp_path: Path) -> None:
    header = tarfile.TarInfo(f"{release.name}/manifest.json")
    header.size = 1 << 33
    (tmp_path / "b.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(ArchiveRefused, match="has a manifest of 8,589,934,592 bytes"):
        archive.unpack(tmp_path / "b.tar", tmp_path / "to")
    header.size = -1
    (tmp_path / "b.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(ArchiveRefused, match="of less than no bytes"):
        archive.unpack(tmp_path / "b.tar", tmp_path / "to")


@pytest.mark.parametrize("size", ["1e999", "NaN", "null", '"x"', "[]"])
def test_a_manifest_whose_sizes_are_none(tmp_path: Path, size: str) -> None:
    content = f'{{"schema": 1, "model": "m", "files": {{"a": {{"bytes": {size}, "sha256": ""}}}}}}'.encode()
    (tmp_path / "b.tar").write_bytes(_begun(hashlib.sha256(content).hexdigest(), content) + END)
    with pytest.raises(ArchiveRefused, match="has a manifest that lists no files"):
        archive.unpack(tmp_path / "b.tar", tmp_path / "to")


def test_a_changed_byte_and_another_key(packed: Path, release: Path, public: Path, tmp_path: Path) -> None:
    other = signing.new_keys(tmp_path / "other.pem")
    with pytest.raises(ReleaseUntrusted, match="was made with another key than"):
        archive.unpack(packed, tmp_path / "to", other)
    packed.write_bytes(packed.read_bytes().replace(b"treestrees", b"treestreez", 1))
    with pytest.raises(ReleaseBroken, match=r"model\.txt has sha256"):
        archive.unpack(packed, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        archive.unpack(tmp_path / "none.tar", tmp_path / "to")


_BOUNDED = """
import resource, sys
from pathlib import Path
from slipway.attestation import archive
from slipway.release import manifest
top, folder = Path(sys.argv[1]), Path(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
named = folder.rename(top / manifest.write(folder, "m"))
archive.pack(named, [top / "none"] * 3, top / "r.tar")
archive.unpack(top / "r.tar", top / "to")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_file_of_1_gb_is_hashed_packed_and_unpacked_in_a_stream(tmp_path: Path) -> None:
    folder = tmp_path / "unnamed"
    folder.mkdir()
    with (folder / "model.txt").open("wb") as file:
        file.truncate(LARGE)
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(tmp_path), str(folder)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 64, "MiB more than before"
    (unpacked,) = (tmp_path / "to").glob("*/model.txt")
    assert unpacked.stat().st_size == LARGE
