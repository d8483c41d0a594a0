"""Which engine builds images, and how it is called."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.builds import engines
from infra.builds.engines import Buildah, Docker
from infra.errors import PlatformError

from . import layouts, toolchains


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    engines.engine.cache_clear()
    yield
    engines.engine.cache_clear()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but for the shell's own programs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("cat", "cp", "pwd", "readlink", "sh"):
        (folder / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_docker_is_taken_where_it_answers(programs: Path) -> None:
    toolchains.install(programs, "docker", "echo 29.0.0")
    assert isinstance(engines.engine(), Docker)


def test_a_docker_without_its_engine_is_none(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchains.install(programs, "docker", "exit 1")
    for name in engines.NEEDED:
        toolchains.install(programs, name, "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert isinstance(engines.engine(), Buildah)


def test_missing_programs_are_named_with_how_to_install_them(programs: Path) -> None:
    toolchains.install(programs, "buildah", "exit 0")
    with pytest.raises(PlatformError, match="mmdebstrap, setpriv, unshare") as caught:
        engines.engine()
    assert "debian-platform" in caught.value.remedy


def test_buildah_without_root_is_refused(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in engines.NEEDED:
        toolchains.install(programs, name, "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PlatformError, match="needs root"):
        engines.engine()


def test_buildah_is_contained_and_leaves_no_storage(programs: Path, tmp_path: Path, cache: Path) -> None:
    said = tmp_path / "said"
    # setpriv stands first and gets the whole command line.
    toolchains.install(
        programs, "setpriv", f'echo "$@ DOWNLOADS=$(readlink $TMPDIR/buildah-cache) BASE-IS=$(readlink base)" >> {said}'
    )
    layout = tmp_path / "git" / "key.partial" / "oci"
    layout.parent.mkdir(parents=True)
    Buildah().build(tmp_path / "context", {"VERSION": "1"}, tmp_path / "base", layout)
    build, push = said.read_text().splitlines()
    for part in ("--pdeathsig KILL unshare --mount --pid --fork --kill-child buildah", "--isolation chroot"):
        assert part in build
    assert "--build-arg=VERSION=1 --build-arg=BASE=oci:base:latest" in build
    assert f"BASE-IS={tmp_path / 'base'}" in build
    assert f"DOWNLOADS={cache / 'images' / 'downloads'}" in build
    assert f"oci:{layout}:latest" in push
    assert [path.name for path in (tmp_path / "git").iterdir()] == ["key.partial"]


def test_docker_s_archive_becomes_a_layout(programs: Path, tmp_path: Path) -> None:
    saved, said = tmp_path / "saved.tar", tmp_path / "said"
    digest = layouts.write(tmp_path / "saved", b"layer")
    with tarfile.open(saved, "w") as archive:
        archive.add(tmp_path / "saved", arcname=".")
    toolchains.install(programs, "docker", f'echo "$@" >> {said}; [ "$1" != save ] || cp {saved} "$3"')
    layout = tmp_path / "git" / "key.partial" / "oci"
    layout.parent.mkdir(parents=True)
    Docker().build(tmp_path / "context", {}, None, layout)
    assert digest in (layout / "index.json").read_text()
    assert [path.name for path in layout.parent.iterdir()] == ["oci"]
    assert f"--build-arg=BASE={Docker().base}" in said.read_text()


def test_the_machine_s_certificates_are_a_secret_of_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    assert engines._options({}) == []
    (tmp_path / "absent.pem").write_text("certificates")
    assert engines._options({}) == [f"--secret=id=ca-certificates,src={tmp_path / 'absent.pem'}"]


def test_what_the_engine_said_last_is_told(programs: Path, tmp_path: Path) -> None:
    toolchains.install(programs, "docker", "echo 'E: Unable to fetch some archives'; exit 100")
    with pytest.raises(PlatformError, match="Unable to fetch some archives"):
        Docker().build(tmp_path, {}, None, tmp_path / "git" / "key.partial" / "oci")
