"""Pushing images to a registry by the OCI distribution API: only what the registry lacks.

The protocol: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from infra.builds.containers import BuiltImage
from infra.builds.progress import Progress, Quiet
from infra.errors import PlatformError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AT_ONCE = 4
TIMEOUT = 60.0


def push(images: Iterable[BuiltImage], registry: str, progress: Progress | None = None) -> dict[str, str]:
    """Bring images into the registry at a URL, e.g. http://127.0.0.1:5000, and name each by digest.

    Each is pushed under its own name without the host, and with its tag. The answer maps an image's name to
    `repository@sha256:...` with the repository as manifests name it. Raises PlatformError.
    """
    progress = progress or Quiet()
    client = Client(registry)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda image: _push(client, image, progress), images := list(images)))
    return {image.image.name: image.pinned for image in images}


@dataclass
class Client:
    """A registry that speaks the distribution API."""

    url: str
    # Where a blob is already: a registry takes it from there into another repository without an upload.
    holders: dict[str, str] = field(default_factory=dict)

    def digest_of(self, path: str, reference: str) -> str | None:
        """The digest of the manifest with a tag, or None where there is none."""
        accept = {"Accept": OCI_MANIFEST}
        answer = self._ask("HEAD", f"/v2/{path}/manifests/{reference}", headers=accept, absent=True)
        return answer.get("Docker-Content-Digest") if answer is not None else None

    def upload(self, path: str, digest: str, content: IO[bytes], size: int) -> bool:
        """Bring one blob of `size` bytes into a repository; whether its bytes had to be sent."""
        if self._ask("HEAD", f"/v2/{path}/blobs/{digest}", absent=True) is not None:
            return False
        holder = self.holders.get(digest)
        source = f"?mount={digest}&from={urllib.parse.quote(holder, safe='')}" if holder else ""
        answer = self._ask("POST", f"/v2/{path}/blobs/uploads/{source}")
        location = urllib.parse.urljoin(self._base(), answer.get("Location", "") if answer else "")
        if "/blobs/uploads/" not in location:
            return False
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        separator = "&" if "?" in location else "?"
        self._ask("PUT", f"{location}{separator}digest={urllib.parse.quote(digest)}", content, headers)
        self.holders[digest] = path
        return True

    def tag(self, path: str, tag: str, manifest: bytes) -> None:
        """Write a manifest under a tag."""
        kind = json.loads(manifest).get("mediaType", OCI_MANIFEST)
        self._ask("PUT", f"/v2/{path}/manifests/{tag}", manifest, {"Content-Type": kind})

    def _base(self) -> str:
        parts = urllib.parse.urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        absent: bool = False,
    ) -> Message | None:
        """The headers of an answer; None for 404 where it may be absent."""
        request = urllib.request.Request(
            urllib.parse.urljoin(self._base(), path), body, {**self._credentials(), **(headers or {})}, method=method
        )
        try:
            answer: HTTPResponse
            with _OPENER.open(request, timeout=TIMEOUT) as answer:
                return answer.headers
        except urllib.error.HTTPError as error:
            if absent and error.code == 404:
                return None
            said = error.read(500).decode(errors="replace")
            raise _failure(self._base(), f"it answers {method} {path} with {error.code}: {said}") from error
        except (OSError, HTTPException) as error:
            raise _failure(self._base(), str(error)) from error

    def _credentials(self) -> dict[str, str]:
        parts = urllib.parse.urlsplit(self.url)
        if parts.username is None:
            return {}
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


# The registry of a local platform is on this machine: no proxy stands between.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _push(client: Client, image: BuiltImage, progress: Progress) -> None:
    path = image.image.path
    if client.digest_of(path, image.image.tag) == image.digest:
        return
    sent = sum(_upload(client, path, image.blob(digest), digest) for digest in image.blobs())
    client.tag(path, image.image.tag, image.manifest())
    progress.say(f"image {image.image.name}: pushed, {sent / 2**20:.0f} MiB sent")


def _upload(client: Client, path: str, blob: Path, digest: str) -> int:
    """The number of bytes that had to be sent."""
    size = blob.stat().st_size
    with blob.open("rb") as content:
        return size if client.upload(path, digest, content, size) else 0


def _failure(registry: str, what: str) -> PlatformError:
    return PlatformError(
        f"The registry at {registry} did not take an image: {what}",
        "Check that it runs, that its disk has room, and that the credentials in its address may push.",
    )
