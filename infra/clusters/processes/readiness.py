"""Questions that a component answers when it is ready to be used."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - looked up at the first connection, when mounts may hide it
import http.client
import socket
import ssl
import urllib.parse
from collections.abc import Callable
from pathlib import Path

Gate = Callable[[], bool]
TIMEOUT = 3.0
"""Seconds for one question."""


def always() -> bool:
    """The gate of a component for which nobody waits."""
    return True


def unix_socket(path: Path) -> Gate:
    """Whether somebody listens on a Unix socket."""

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
            except OSError:
                return False
        return True

    return answers


def http_ok(url: str) -> Gate:
    """Whether a GET of an http URL is answered with 200."""
    parts = urllib.parse.urlsplit(url)

    def answers() -> bool:
        return _status(http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT), parts.path) == 200

    return answers


def https_ok(host: str, port: int, path: str, pki: Path) -> Gate:
    """Whether the API server answers a GET from the administrator with 200."""

    def answers() -> bool:
        try:
            context = client_context(pki, "admin")
        except OSError:
            return False
        return _status(http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context), path) == 200

    return answers


def client_context(pki: Path, client: str) -> ssl.SSLContext:
    """Trust the cluster's authority, and show it the client's certificate."""
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")
    return context


def _status(connection: http.client.HTTPConnection, path: str) -> int | None:
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
