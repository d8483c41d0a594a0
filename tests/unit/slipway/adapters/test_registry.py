"""The client against a real registry, and against one that lies."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slipway.adapters.registry import OCI_MANIFEST, NotInRegistry, Registry, RegistryFault, digest_of
from slipway.errors import UsageError
from tests.registry_server import RegistryServer, installed

CONTENT = b"some bytes"
DIGEST = digest_of(CONTENT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


@installed
def test_a_blob_goes_up_and_is_taken_over_by_name(server: RegistryServer) -> None:
    registry = server.client
    assert not registry.has("a", DIGEST)
    registry.upload("a", DIGEST, io.BytesIO(CONTENT), len(CONTENT))
    assert registry.has("a", DIGEST)
    assert registry.blob("a", DIGEST) == CONTENT
    assert not registry.has("b/c", DIGEST)
    registry.take("b/c", DIGEST, "a")
    assert registry.blob("b/c", DIGEST) == CONTENT


@installed
def test_a_manifest_is_found_by_tag_and_by_digest(server: RegistryServer) -> None:
    digest = server.push_server_image("one")
    by_tag, by_digest = (server.client.find("slipway-server", name) for name in ("one", digest))
    assert by_tag == by_digest
    assert by_tag is not None
    assert (by_tag.digest, by_tag.kind) == (digest, OCI_MANIFEST)
    assert server.client.find("slipway-server", "two") is None
    assert server.client.find("nobody", "one") is None


@installed
def test_what_arrives_otherwise_is_refused(server: RegistryServer) -> None:
    with pytest.raises(RegistryFault, match=r"with 400 \(DIGEST_INVALID"):
        server.client.upload("a", digest_of(b"other bytes"), io.BytesIO(CONTENT), len(CONTENT))
    with pytest.raises(RegistryFault, match="400"):
        server.client.tag("a", "broken", OCI_MANIFEST, b'{"schemaVersion": 2}')


@installed
def test_a_missing_or_damaged_blob_is_named(server: RegistryServer) -> None:
    with pytest.raises(NotInRegistry, match=r"no blob sha256:.* in a"):
        server.client.blob("a", digest_of(b"nowhere"))
    damaged = b"about to be damaged"
    server.client.upload("a", digest_of(damaged), io.BytesIO(damaged), len(damaged))
    server.blob_file(digest_of(damaged)).write_bytes(damaged[::-1])
    with pytest.raises(RegistryFault, match="is damaged in the registry"):
        server.client.blob("a", digest_of(damaged))


@installed
def test_a_registry_that_is_away(tmp_path: Path) -> None:
    with RegistryServer(tmp_path) as server:
        registry = server.client
    with pytest.raises(RegistryFault, match=r"cannot be reached.*refused") as caught:
        registry.has("a", DIGEST)
    assert caught.value.exit_code == 3
    assert "platform-up" in caught.value.remedy


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://x", "http://", "https://x?y=1"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="is no address of a registry"):
        Registry(url)


class Liar(BaseHTTPRequestHandler):
    """Cannot mount, takes what it is given, changes manifests, and asks for a login where the path says so."""

    asked: list[str | None] = []  # noqa: RUF012 - the same for all requests

    def do_HEAD(self) -> None:
        self._answer(200)

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization"))
        if "/private/" in self.path and self.headers.get("Authorization") != "Basic bWU6c2VjcmV0":
            self._answer(401, {"WWW-Authenticate": 'Basic realm="registry"'})
            return
        self._answer(200, {"Content-Type": OCI_MANIFEST}, CONTENT)

    def do_POST(self) -> None:
        self._answer(202, {"Location": "/upload?state=1"})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, {"Docker-Content-Digest": digest_of(b"another")})

    def _answer(self, status: int, headers: dict[str, str] | None = None, content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_registry_that_stores_another_manifest(liar: str) -> None:
    with pytest.raises(RegistryFault, match="stored a manifest with"):
        Registry(liar).tag("a", "x", OCI_MANIFEST, b"{}")


def test_a_manifest_that_is_not_the_one_asked_for(liar: str) -> None:
    with pytest.raises(RegistryFault, match="gave a manifest with"):
        Registry(liar).find("a", digest_of(b"another"))


def test_a_blob_that_cannot_be_taken_by_name_is_copied(liar: str) -> None:
    Registry(liar).take("a", DIGEST, "b")


def test_a_login_from_docker_s_configuration(liar: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(RegistryFault, match="asks who you are"):
        Registry(liar).find("private/a", "x")
    host = liar.removeprefix("http://")
    (tmp_path / "config.json").write_text(f'{{"auths": {{"{host}": {{"auth": "bWU6c2VjcmV0"}}}}}}')
    registry = Registry(liar)
    assert registry.find("private/a", "x") is not None
    # It is sent with the first request from now on.
    Liar.asked.clear()
    assert registry.find("private/a", "x") is not None
    assert Liar.asked == ["Basic bWU6c2VjcmV0"]
