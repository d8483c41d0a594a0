"""An OCI registry over its HTTP API, as far as publishing needs it: blobs, manifests, tags.

By the standard library: the clients on PyPI push files of their own layout and choose the manifest's bytes themselves,
but here every byte is decided, or equal inputs would not give equal digests.

Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlencode, urljoin, urlsplit

from slipway.adapters.registry_login import Login
from slipway.errors import SlipwayError, UsageError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
_ACCEPTED = ", ".join((OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_INDEX))
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 60.0
_LONGEST_MANIFEST = 4 << 20


class RegistryFault(SlipwayError):
    """The registry is away, refuses, or answers what no registry should."""

    exit_code = 3


class NotInRegistry(SlipwayError):
    """The registry is there and does not have what is asked for."""

    exit_code = 3


@dataclass(frozen=True)
class Manifest:
    """A manifest as it is stored: its bytes and their digest ("sha256:...")."""

    kind: str
    content: bytes
    digest: str

    @property
    def fields(self) -> dict[str, Any]:
        found = json.loads(self.content)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Registry:
    """A registry by its address, as http://127.0.0.1:5000 or https://ghcr.io/owner."""

    url: str
    _login: Login = field(default_factory=Login)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"{self.url!r} is no address of a registry.", "Write it as https://registry.example.org.")

    def find(self, repository: str, reference: str) -> Manifest | None:
        """The manifest that a tag or a digest names, or None if there is none.

        Raises:
            RegistryFault: also when it is not the one that the digest names.
        """
        url = self._url(repository, "manifests", reference)
        with self._call("GET", url, headers={"Accept": _ACCEPTED}, allowed=(200, 404)) as answer:
            if answer.status == 404:
                return None
            kind, content = answer.headers.get_content_type(), answer.read(_LONGEST_MANIFEST)
        digest = digest_of(content)
        if reference.startswith("sha256:") and digest != reference:
            raise RegistryFault(
                f"{url} gave a manifest with {digest}.", "The registry is damaged; publish what it should hold again."
            )
        return Manifest(kind, content, digest)

    def blob(self, repository: str, digest: str) -> bytes:
        """A small blob, such as an image's configuration, held against its digest."""
        with self.open(repository, digest) as stream:
            content = stream.read()
        if digest_of(content) != digest:
            raise RegistryFault(
                f"Blob {digest} of {repository} is damaged in the registry.", "Publish what it belongs to again."
            )
        return content

    @contextmanager
    def open(self, repository: str, digest: str) -> Iterator[IO[bytes]]:
        """A blob's bytes, which are the caller's to hold against the digest."""
        with self._call("GET", self._url(repository, "blobs", digest), allowed=(200, 404)) as answer:
            if answer.status == 404:
                raise NotInRegistry(
                    f"{self.url} has no blob {digest} in {repository}.", "Publish what it belongs to again."
                )
            yield answer

    def has(self, repository: str, digest: str) -> bool:
        """Whether the repository has a blob."""
        with self._call("HEAD", self._url(repository, "blobs", digest), allowed=(200, 404)) as answer:
            return bool(answer.status == 200)

    def take(self, repository: str, digest: str, source: str) -> None:
        """Have ``repository`` hold a blob that the repository ``source`` has; by name, if the registry can do that."""
        asked = urlencode({"mount": digest, "from": source})
        with self._call("POST", f"{self._url(repository, 'blobs', 'uploads/')}?{asked}", allowed=(201, 202)) as answer:
            mounted = answer.status == 201
        if mounted:
            return
        with self.open(source, digest) as stream, tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            size = copy.tell()
            copy.seek(0)
            self.upload(repository, digest, copy, size)

    def upload(self, repository: str, digest: str, content: IO[bytes], size: int) -> None:
        """Upload a blob of ``size`` bytes; the registry holds it against its digest.

        Raises:
            RegistryFault: when what arrives has another digest.
        """
        start = self._url(repository, "blobs", "uploads/")
        with self._call("POST", start, allowed=(202,)) as answer:
            place = urljoin(start, answer.headers.get("Location", ""))
        place += ("&" if urlsplit(place).query else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._call("PUT", place, content, headers, allowed=(201,)):
            pass
        if not self.has(repository, digest):
            raise RegistryFault(f"{self.url} took blob {digest} and does not have it.", "Look at the registry's log.")

    def tag(self, repository: str, reference: str, kind: str, content: bytes) -> str:
        """Store a manifest under a tag and return its digest.

        Raises:
            RegistryFault: when the registry stored another one.
        """
        url, digest = self._url(repository, "manifests", reference), digest_of(content)
        with self._call("PUT", url, content, {"Content-Type": kind}, allowed=(201,)) as answer:
            stored = answer.headers.get("Docker-Content-Digest", digest)
        if stored != digest:
            raise RegistryFault(
                f"{url} stored a manifest with {stored}, and was given one with {digest}.",
                "Something between here and the registry changes what is sent; push to it directly.",
            )
        return digest

    def _url(self, repository: str, kind: str, reference: str) -> str:
        parts = urlsplit(self.url)
        name = f"{parts.path.strip('/')}/{repository}".strip("/")
        return f"{parts.scheme}://{parts.netloc}/v2/{name}/{kind}/{reference}"

    @contextmanager
    def _call(
        self,
        method: str,
        url: str,
        body: IO[bytes] | bytes | None = None,
        headers: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (200,),
    ) -> Iterator[Any]:
        try:
            with self._answer(method, url, body, headers or {}) as answer:
                if answer.status not in allowed:
                    raise _refused(method, url, answer.status, answer.read(4096))
                yield answer
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise RegistryFault(
                f"The registry {self.url} cannot be reached: {reason}.",
                "Start it (`make platform-up` starts the local one), or name another platform with --platform.",
            ) from error

    def _answer(self, method: str, url: str, body: IO[bytes] | bytes | None, headers: dict[str, str]) -> Any:
        answer = self._send(method, url, body, headers)
        if answer.status != 401:
            return answer
        challenge = answer.headers.get("WWW-Authenticate", "")
        answer.close()
        if not self._login.answer(challenge, urlsplit(url).netloc):
            raise RegistryFault(
                f"The registry {self.url} asks who you are, and Docker's configuration does not say.",
                f"Log in with `docker login {urlsplit(url).netloc}` or its like.",
            )
        if body is not None and not isinstance(body, bytes):
            body.seek(0)
        return self._send(method, url, body, headers)

    def _send(self, method: str, url: str, body: IO[bytes] | bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        if self._login.header:
            # Not to the storage that a registry may redirect to.
            request.add_unredirected_header("Authorization", self._login.header)
        direct = urlsplit(url).hostname in _LOOPBACK
        opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if direct else []))
        try:
            return opener.open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            return error


def digest_of(content: bytes) -> str:
    """The digest of ``content``, as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _refused(method: str, url: str, status: int, content: bytes) -> RegistryFault:
    try:
        said = "; ".join(f"{entry['code']}: {entry.get('message', '')}" for entry in json.loads(content)["errors"])
    except (ValueError, LookupError, TypeError, AttributeError):
        said = "no reason given"
    remedies = {
        401: "Log in with `docker login` or its like.",
        403: "Ask for the right to push to it.",
        400: "What arrived is not what was sent; run the same command again.",
    }
    remedy = remedies.get(status, "Look at the registry's log, then run the same command again.")
    return RegistryFault(f"The registry answered {method} {url} with {status} ({said}).", remedy)
