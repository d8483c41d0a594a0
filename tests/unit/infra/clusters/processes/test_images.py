"""Images of one program: the same bytes each time, and pushed to a real registry once."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.clusters.processes import images
from infra.clusters.processes.images import Image
from infra.errors import PlatformError


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "program").write_bytes(b"\x7fELF" + bytes(1000))
    return Image.of_program("registry.k8s.io/some/thing:v1.2", tmp_path / "program", "/thing")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Debian's registry on the loopback; its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as trial:
        address = f"127.0.0.1:{trial.getsockname()[1]}"
    storage = {"filesystem": {"rootdirectory": str(tmp_path / "registry")}}
    config = {"version": 0.1, "log": {"level": "error"}, "storage": storage, "http": {"addr": address}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    command = ["docker-registry", "serve", str(tmp_path / "config.yaml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait_for(address)
        yield address
        process.terminate()


def test_a_name_has_a_repository_and_a_tag(image: Image) -> None:
    assert (image.repository, image.tag) == ("some/thing", "v1.2")


def test_the_layer_holds_the_program_and_nothing_else(image: Image) -> None:
    with tarfile.open(fileobj=io.BytesIO(image.layer)) as archive:
        (member,) = archive.getmembers()
    assert (member.name, member.mode, member.mtime, member.uid) == ("thing", 0o755, 0, 0)


def test_the_manifest_names_what_the_image_is_made_of(image: Image) -> None:
    manifest, config = json.loads(image.manifest), json.loads(image.config)
    assert manifest["layers"][0]["digest"] == f"sha256:{hashlib.sha256(image.layer).hexdigest()}"
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(image.config).hexdigest()}"
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert config["config"]["Entrypoint"] == ["/thing"]


def test_an_image_is_pushed_once(image: Image, registry: str) -> None:
    assert images.push(image, registry)
    assert not images.push(image, registry)


def test_what_somebody_else_has_pushed_under_the_name_stays(image: Image, registry: str) -> None:
    images.push(replace(image, layer=image.layer + bytes(512)), registry)
    assert not images.push(image, registry)


def test_a_registry_that_refuses_is_quoted(image: Image, registry: str) -> None:
    with pytest.raises(PlatformError, match=r"answers POST .* with 404"):
        images.push(replace(image, name="host/a/NOT/valid:1"), registry)


def test_the_pause_program_ends_when_it_is_told(tmp_path: Path) -> None:
    pause = images.of_the_node(_some_program(tmp_path))[0]
    with tarfile.open(fileobj=io.BytesIO(pause.layer)) as archive:
        archive.extractall(tmp_path / "root", filter="data")
    program = tmp_path / "root/pause"
    with subprocess.Popen([str(program)]) as process:
        time.sleep(0.1)
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pause.c").write_text("not C")
    monkeypatch.setattr(images, "PAUSE_SOURCE", tmp_path / "pause.c")
    with pytest.raises(PlatformError, match="error:") as error:
        images.of_the_node(_some_program(tmp_path))
    assert "libc6-dev" in error.value.remedy


def _some_program(folder: Path) -> Path:
    (folder / "coredns").write_bytes(b"program")
    return folder / "coredns"


def _wait_for(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, int(port))).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
