"""Pushing to a registry."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.builds.catalogue import catalogue
from infra.builds.containers import BuiltImage, read
from infra.builds.progress import Progress
from infra.builds.registry import push
from infra.errors import PlatformError

from . import layouts, registry_server


@pytest.fixture
def registry() -> Iterator[registry_server.Registry]:
    with registry_server.registry() as found:
        yield found


def image(tmp_path: Path, name: str, *layers: bytes) -> BuiltImage:
    layouts.write(tmp_path / name, *layers)
    return read(catalogue().named(name), tmp_path / name)


def test_an_image_arrives_under_its_path_and_tag(tmp_path: Path, registry: registry_server.Registry) -> None:
    redis = image(tmp_path, "redis", b"base", b"redis")
    assert push([redis], registry.url) == {"redis": f"docker.io/library/redis@{redis.digest}"}
    assert registry.manifests["library/redis", "7.0.15"] == redis.manifest()
    assert set(registry.blobs["library/redis"]) == set(redis.blobs())


def test_a_second_push_sends_nothing(tmp_path: Path, registry: registry_server.Registry) -> None:
    redis = image(tmp_path, "redis", b"base")
    push([redis], registry.url)
    lines: list[str] = []
    registry.log.clear()
    push([redis], registry.url, Progress(lines.append))
    assert registry.log == ["HEAD /v2/library/redis/manifests/7.0.15"]
    assert lines == []


def test_a_layer_that_two_images_share_is_sent_once(tmp_path: Path, registry: registry_server.Registry) -> None:
    base = b"base" * 1000
    push([image(tmp_path, "redis", base)], registry.url)
    registry.log.clear()
    both = [image(tmp_path, "git", base, b"git")]
    push(both, registry.url)
    # Another client does not know where the layer is, and sends it; within one push it is mounted.
    assert registry.sent("PUT", "/blobs/uploads/") == 3
    one_push = [image(tmp_path, "argocd", b"other"), image(tmp_path, "nats", b"other")]
    registry.log.clear()
    push(one_push, registry.url)
    assert set(registry.blobs["argoproj/argocd"]) == set(one_push[0].blobs())
    assert set(registry.blobs["library/nats"]) == set(one_push[1].blobs())


def test_a_changed_image_moves_the_tag(tmp_path: Path, registry: registry_server.Registry) -> None:
    push([image(tmp_path / "old", "git", b"old")], registry.url)
    new = image(tmp_path / "new", "git", b"new")
    push([new], registry.url)
    assert registry.manifests["git", "latest"] == new.manifest()


# Apart from its address, or it looks like a password that was committed.
ACCOUNT = "user:p%40ss"


def test_credentials_in_the_address_are_sent_and_not_told(tmp_path: Path, registry: registry_server.Registry) -> None:
    host = registry.url.removeprefix("http://")
    push([image(tmp_path, "git", b"git")], f"http://{ACCOUNT}@{host}")
    assert registry.authorization == {f"Basic {base64.b64encode(b'user:p@ss').decode()}"}
    with pytest.raises(PlatformError) as caught:
        push([image(tmp_path, "nats", b"git")], f"http://{ACCOUNT}@127.0.0.1:1")
    assert "p%40ss" not in str(caught.value)


def test_a_broken_blob_is_refused_and_told(tmp_path: Path, registry: registry_server.Registry) -> None:
    git = image(tmp_path, "git", b"git")
    git.blob(git.blobs()[0]).write_bytes(b"changed")
    with pytest.raises(PlatformError, match="400"):
        push([git], registry.url)
    assert registry.manifests == {}


def test_no_registry_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"http://127\.0\.0\.1:1 did not take"):
        push([image(tmp_path, "git", b"git")], "http://127.0.0.1:1")
