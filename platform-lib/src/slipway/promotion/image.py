"""A release as an image: the server's image, one layer with the release, and labels. Equal inputs, equal digest.

The layer is a plain tar of USTAR headers, sorted by name, of root's, without times, and not compressed: what gzip
makes of it would depend on the version of zlib. The image's time is that of the server's image.

Sources: https://github.com/opencontainers/image-spec/blob/v1.1.1/{layer,config,manifest,annotations}.md
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from slipway.adapters.registry import (
    DOCKER_INDEX,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    Registry,
    RegistryFault,
    digest_of,
)
from slipway.errors import UsageError
from slipway.rendering.served import HTTP_PORT, IMAGE_FOLDER, MODEL_KEY, RELEASE_KEY

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
_CHUNK = 1 << 20
_DOCKER_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{LAYER}+zstd",
}


@dataclass(frozen=True)
class Base:
    """The server's image.

    Attributes:
        repository: where the registry has it.
        digest: of its manifest.
        layers: as a manifest of OCI's kind lists them.
        config: its configuration.
    """

    repository: str
    digest: str
    layers: tuple[dict[str, Any], ...]
    config: dict[str, Any]


@dataclass(frozen=True)
class Image:
    """An image ready to be pushed on top of its base: the bytes of its configuration and of its manifest."""

    config: bytes
    manifest: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


@dataclass(frozen=True)
class Layer:
    """Digest and size of a layer that is written."""

    digest: str
    size: int


def write_layer(folder: Path, statements: Sequence[Path], target: IO[bytes]) -> Layer:
    """Write the layer to ``target``: the release in ``folder``, named by its digest, and ``statements`` beside it."""
    files = [(f"{folder.name}/{path.relative_to(folder).as_posix()}", path) for path in folder.rglob("*")]
    files = [(name, path) for name, path in files if path.is_file()] + [(path.name, path) for path in statements]
    names = {f"{IMAGE_FOLDER.strip('/')}/{name}": path for name, path in files}
    folders = {str(above): None for name in names for above in PurePosixPath(name).parents if str(above) != "."}
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in sorted({**names, **folders}.items()):
            _add(tar, name, path)
    return _written(target)


def _written(target: IO[bytes]) -> Layer:
    """What stands in ``target`` up to where it is."""
    size = target.tell()
    target.seek(0)
    sha256 = hashlib.sha256()
    while chunk := target.read(_CHUNK):
        sha256.update(chunk)
    return Layer(f"sha256:{sha256.hexdigest()}", size)


def _add(tar: tarfile.TarFile, name: str, path: Path | None) -> None:
    header = tarfile.TarInfo(name)
    if path is None:
        header.type, header.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(header)
        return
    header.mode, header.size = 0o644, path.stat().st_size
    try:
        with path.open("rb") as content:
            tar.addfile(header, content)
    except ValueError as error:
        raise UsageError(f"{name} does not fit into an image: {error}.", "Give the file a shorter name.") from error


def find_base(registry: Registry, repository: str, reference: str) -> Base:
    """The server's image that a tag or a digest names.

    Raises:
        UsageError: when there is none, or it is made for several platforms.
        RegistryFault: when the registry is away.
    """
    found = registry.find(repository, reference)
    if found is None:
        raise UsageError(
            f"{registry.url} has no server image {repository} {reference}, which a release's image stands on.",
            "`make platform-up` pushes it; name another with --base NAME@sha256:... or NAME:TAG.",
        )
    if found.kind in (OCI_INDEX, DOCKER_INDEX):
        found = _only(registry, repository, found)
    fields = found.fields
    layers = tuple(
        {"mediaType": _DOCKER_LAYERS.get(kind, kind), "digest": layer["digest"], "size": layer["size"]}
        for layer in fields["layers"]
        for kind in [layer["mediaType"]]
    )
    return Base(repository, found.digest, layers, json.loads(registry.blob(repository, fields["config"]["digest"])))


def _only(registry: Registry, repository: str, index: Manifest) -> Manifest:
    """The one image of an index; build tools make one of an image and what they attest of it."""
    images = [it for it in index.fields["manifests"] if it.get("platform", {}).get("os") != "unknown"]
    found = registry.find(repository, images[0]["digest"]) if len(images) == 1 else None
    if found is None:
        names = ", ".join("/".join(it.get("platform", {}).values()) + f" {it['digest']}" for it in images)
        raise UsageError(
            f"The server image {repository} has {len(images)} platforms: {names}.",
            f"Name one of them: --base {repository}@sha256:...",
        )
    return found


def read_layer(registry: Registry, repository: str, manifest: Manifest, target: IO[bytes]) -> None:
    """Read the layer with the release, the last one of an image, into ``target``, and go to its begin.

    Raises:
        RegistryFault: when it is not the layer that the manifest names.
    """
    digest = manifest.fields["layers"][-1]["digest"]
    with registry.open(repository, digest) as stream:
        shutil.copyfileobj(stream, target)
    if _written(target).digest != digest:
        raise RegistryFault(f"Layer {digest} of {repository} is damaged in the registry.", "Publish the release again.")
    target.seek(0)


def compose(base: Base, layer: Layer, model: str, release: str, labels: Mapping[str, str]) -> Image:
    """The image of ``release`` on ``base``, which by itself serves it.

    Args:
        base: the server's image.
        layer: what :func:`write_layer` wrote.
        model: the model's name.
        release: the release's digest.
        labels: further labels, by their whole names.
    """
    config = json.loads(json.dumps(base.config))
    run = config.setdefault("config", {})
    run["Labels"] = dict(
        sorted(
            {
                **(run.get("Labels") or {}),
                **labels,
                "org.opencontainers.image.base.name": base.repository,
                "org.opencontainers.image.base.digest": base.digest,
                MODEL_KEY: model,
                RELEASE_KEY: release,
            }.items()
        )
    )
    run["Cmd"] = [f"{IMAGE_FOLDER}/{release}", "--host", "0.0.0.0", "--port", str(HTTP_PORT)]
    config["rootfs"] = {"type": "layers", "diff_ids": [*config["rootfs"]["diff_ids"], layer.digest]}
    made = {"created": config.get("created"), "created_by": f"slipway publish {model} {release}"}
    config["history"] = [*config.get("history", []), {name: value for name, value in made.items() if value}]
    content = _bytes(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(content), "size": len(content)},
        "layers": [*base.layers, {"mediaType": LAYER, "digest": layer.digest, "size": layer.size}],
        "annotations": {RELEASE_KEY: release},
    }
    return Image(content, _bytes(manifest))


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
