"""A real OCI registry (Debian's docker-registry) on loopback, and a server image in it to lay releases on."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.adapters.registry import OCI_MANIFEST, Registry, digest_of
from tests.live_server import free_port

PROGRAM = shutil.which("docker-registry")
installed = pytest.mark.skipif(PROGRAM is None, reason="Debian's docker-registry is not installed")


class RegistryServer:
    """One docker-registry on a free port, with its storage below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Registry:
        return Registry(self.url)

    def __enter__(self) -> RegistryServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}},
            "http": {"addr": self.url.removeprefix("http://")},
        }
        (self.folder / "config.yml").write_text(json.dumps(settings))
        assert PROGRAM is not None
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "serve", str(self.folder / "config.yml")], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/v2/", timeout=5):
                return self
            time.sleep(0.02)
        raise AssertionError(f"docker-registry did not start:\n{(self.folder / 'log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def blob_file(self, digest: str) -> Path:
        """Where the registry keeps a blob."""
        name = digest.removeprefix("sha256:")
        return self.folder / "storage/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"

    def push_server_image(self, tag: str = "latest", content: bytes = b"server") -> str:
        """Push an image ``slipway-server`` of one small layer, as docker does, and return its digest."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            header = tarfile.TarInfo("opt/server")
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
        layer = gzip.compress(packed.getvalue(), mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "created": "2026-11-24T00:00:00Z",
                "config": {"Entrypoint": ["/opt/server", "serve"], "Labels": {"of": "the base"}, "User": "65532:65532"},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"]},
                "history": [{"created_by": "somebody"}],
            }
        ).encode()
        for blob in (layer, config):
            self.client.upload("slipway-server", digest_of(blob), io.BytesIO(blob), len(blob))
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": digest_of(layer),
                    "size": len(layer),
                }
            ],
        }
        return self.client.tag("slipway-server", tag, OCI_MANIFEST, json.dumps(manifest).encode())
