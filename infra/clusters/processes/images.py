"""The two images that the node itself needs: one program each, and nothing else in it.

They are pushed to the node's own registry under the names that they have upstream, so that the node pulls them like any
other image, and again when they have been deleted.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.builds.registry import OCI_MANIFEST, Client
from infra.clusters.processes.configuration import PAUSE_IMAGE
from infra.errors import PlatformError

PAUSE_SOURCE = Path(__file__).with_name("pause.c")
COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.15.0"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Image:
    """An image of one layer (OCI image format). The same program gives the same digests."""

    name: str
    layer: bytes
    config: bytes

    @classmethod
    def of_program(cls, name: str, program: Path, entrypoint: str) -> Image:
        """An image whose only file is the program, at the path `entrypoint`."""
        layer = _layer(program.read_bytes(), entrypoint)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": [entrypoint], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        return cls(name, layer, json.dumps(config, sort_keys=True).encode())

    @property
    def manifest(self) -> bytes:
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(CONFIG, self.config),
            "layers": [_descriptor(LAYER, self.layer)],
        }
        return json.dumps(manifest, sort_keys=True).encode()

    @property
    def repository(self) -> str:
        """Its name without host and tag."""
        return self.name.partition("/")[2].rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.name.rpartition(":")[2]


def of_the_node(coredns: Path) -> list[Image]:
    """The pause image, compiled here, and CoreDNS from its built program."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pause"
        _compile_pause(program)
        pause = Image.of_program(PAUSE_IMAGE, program, "/pause")
    return [pause, Image.of_program(COREDNS_IMAGE, coredns, "/coredns")]


def push(image: Image, registry: str) -> bool:
    """Push to a registry (`host:port`, plain HTTP), unless it has an image of this name already.

    What somebody else has pushed under the name stays, so that two builds of one version do not take turns. Returns
    whether it had to. Raises PlatformError when the registry refuses.
    """
    client = Client(f"http://{registry}")
    if client.digest_of(image.repository, image.tag) is not None:
        return False
    for blob in (image.config, image.layer):
        client.upload(image.repository, _digest(blob), io.BytesIO(blob), len(blob))
    client.tag(image.repository, image.tag, image.manifest)
    return True


def _compile_pause(program: Path) -> None:
    command = ["gcc", "-static", "-Os", "-s", "-Wall", "-o", str(program), str(PAUSE_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlatformError(
            f"The program of the pause image cannot be compiled: {done.stderr.strip()[-500:]}",
            "Install a C compiler with the static C library: apt-get install gcc libc6-dev",
        )


def _layer(content: bytes, path: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _descriptor(kind: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
