"""Basic, Bearer and Docker's credential helpers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from slipway.adapters.registry_login import Login
from slipway.errors import EnvironmentFault

BASIC = "bWU6c2VjcmV0"  # me:secret


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


class Tokens(BaseHTTPRequestHandler):
    """Gives out tokens that say who asked for what."""

    def do_GET(self) -> None:
        content = json.dumps({"token": f"{self.headers.get('Authorization')} {self.path}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def realm() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()


def test_basic(config: Path) -> None:
    login = Login()
    assert login.answer('Basic realm="x"', "host") is False
    config.write_text(json.dumps({"auths": {"host": {"auth": BASIC}}}))
    assert login.answer('Basic realm="x"', "host") is True
    assert login.header == f"Basic {BASIC}"
    # The same answer once more would be refused once more.
    assert login.answer('Basic realm="x"', "host") is False
    assert Login().answer('Basic realm="x"', "other") is False


@pytest.mark.parametrize("known", [True, False])
def test_bearer(config: Path, realm: str, known: bool) -> None:
    if known:
        config.write_text(json.dumps({"auths": {"host": {"auth": BASIC}}}))
    login = Login()
    assert login.answer(f'Bearer realm="{realm}",service="registry",scope="repository:a:pull,push"', "host")
    asked = "/token?service=registry&scope=repository%3Aa%3Apull%2Cpush"
    assert login.header == f"Bearer {f'Basic {BASIC}' if known else None} {asked}"


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_credential_helper(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    helper = tmp_path / "docker-credential-toy"
    helper.write_text(
        '#!/bin/sh\nread host\n[ "$host" = host ] || exit 1\necho \'{"Username": "me", "Secret": "secret"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    config.write_text(json.dumps({key: "toy" if key == "credsStore" else {"host": "toy", "other": "toy"}}))
    login = Login()
    assert login.answer("Basic", "host") is True
    assert login.header == f"Basic {BASIC}"
    assert Login().answer("Basic", "other") is False


def test_a_helper_that_is_not_there_and_a_broken_configuration(config: Path) -> None:
    config.write_text(json.dumps({"credsStore": "nowhere"}))
    with pytest.raises(EnvironmentFault, match="docker-credential-nowhere"):
        Login().answer("Basic", "host")
    config.write_text("{")
    with pytest.raises(EnvironmentFault, match=r"config\.json cannot be read"):
        Login().answer("Basic", "host")


def test_a_way_that_nobody_knows(config: Path) -> None:
    assert Login().answer("Negotiate", "host") is False
    assert Login().answer("", "host") is False
