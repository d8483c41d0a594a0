"""A registry in memory, for tests of a client: the part of the OCI distribution API that pushing uses."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Registry:
    """What it holds, and what it was asked."""

    def __init__(self) -> None:
        self.blobs: dict[str, dict[str, bytes]] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.log: list[str] = []
        self.authorization: set[str | None] = set()
        self.url = ""

    def sent(self, method: str, part: str) -> int:
        """How many requests had this method, and this in their path."""
        return sum(line.startswith(f"{method} ") and part in line for line in self.log)


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry on a free port of the loopback."""
    state = Registry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, code: int, **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def handle_one(self) -> None:
            state.log.append(f"{self.command} {self.path}")
            state.authorization.add(self.headers["Authorization"])
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            if found := re.fullmatch(r"/v2/(.+)/manifests/(.+)", path):
                self.manifest(found[1], found[2], body)
            elif found := re.fullmatch(r"/v2/(.+)/blobs/uploads/(\w*)", path):
                self.upload(found[1], query, body)
            elif found := re.fullmatch(r"/v2/(.+)/blobs/(.+)", path):
                self.answer(200 if found[2] in state.blobs.get(found[1], {}) else 404)
            else:
                self.answer(404)

        def manifest(self, repository: str, reference: str, body: bytes) -> None:
            if self.command == "PUT":
                state.manifests[repository, reference] = body
                self.answer(201)
                return
            held = state.manifests.get((repository, reference))
            digest = f"sha256:{hashlib.sha256(held or b'').hexdigest()}"
            self.answer(404) if held is None else self.answer(200, Docker_Content_Digest=digest)

        def upload(self, repository: str, query: dict[str, list[str]], body: bytes) -> None:
            held = state.blobs.setdefault(repository, {})
            if self.command == "POST":
                mount, source = query.get("mount", [""])[0], unquote(query.get("from", [""])[0])
                if mount in state.blobs.get(source, {}):
                    held[mount] = state.blobs[source][mount]
                    self.answer(201, Location=f"/v2/{repository}/blobs/{mount}")
                else:
                    self.answer(202, Location=f"/v2/{repository}/blobs/uploads/1?state=x")
                return
            digest = query["digest"][0]
            right = digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
            if right:
                held[digest] = body
            self.answer(201 if right else 400)

        do_HEAD = do_GET = do_PUT = do_POST = handle_one

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
