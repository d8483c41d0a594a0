"""An advisory source on loopback that speaks OSV's protocol, with advisories of one's own; or one that is broken.

It answers ``POST /v1/query``, ``POST /v1/querybatch`` and ``GET /v1/vulns/ID`` as
https://google.github.io/osv.dev/api/ has them, from records of the OSV schema (https://ossf.github.io/osv-schema/).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from packaging.version import Version

MODIFIED = "2026-11-01T00:00:00Z"
Fault = Callable[["Handler"], bool]
"""Answers a request in the place of the server and returns true, or leaves it alone and returns false."""


def record(name: str, identifier: str, aliases: Sequence[str] = (), fixed: str = "", **more: Any) -> dict[str, Any]:
    """An advisory against every version of a package below ``fixed``, or against all."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    affected = {
        "package": {"name": name, "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    told = {"id": identifier, "aliases": list(aliases), "summary": f"something about {name}", "affected": [affected]}
    return {"schema_version": "1.6.0", "modified": MODIFIED, "published": MODIFIED} | told | more


# What any real source knows; the ids, aliases and versions are those of the real advisories.
CANARIES = (
    record("jinja2", "GHSA-462w-v97r-4m45", ["CVE-2019-10906", "PYSEC-2019-217"], "2.10.1"),
    record("pyyaml", "GHSA-6757-jp84-gxfx", ["CVE-2020-1747", "PYSEC-2020-96"], "5.3.1"),
)


class OsvServer:
    """Serves ``records`` on a port of its own while it is entered; ``faults`` maps a path to what goes wrong there."""

    def __init__(self, records: Sequence[dict[str, Any]] = CANARIES, faults: dict[str, Fault] | None = None) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.records = records  # type: ignore[attr-defined]
        self._http.faults = faults or {}  # type: ignore[attr-defined]
        self._http.asked = []  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The path of each request so far."""
        return list(self._http.asked)  # type: ignore[attr-defined]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    body: bytes = b""

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        fault = self.server.faults.get(self.path)  # type: ignore[attr-defined]
        if fault is not None and fault(self):
            return
        if self.path == "/v1/query":
            found = self.known(json.loads(self.body))
            self.reply({"vulns": found} if found else {})
        elif self.path == "/v1/querybatch":
            found = [self.known(query) for query in json.loads(self.body)["queries"]]
            self.reply({"results": [_brief(entries) for entries in found]})
        else:
            name = self.path.removeprefix("/v1/vulns/")
            named = [entry for entry in self.records if entry["id"] == name]
            self.reply(named[0] if named else {"code": 5, "message": "Bug not found."}, 200 if named else 404)

    @property
    def records(self) -> Sequence[dict[str, Any]]:
        return self.server.records  # type: ignore[attr-defined, no-any-return]

    def known(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """The records against the package and version of a query."""
        package, version = query["package"], Version(query["version"])
        return [
            entry
            for entry in self.records
            for affected in entry.get("affected", ())
            if affected["package"] == package and _affects(affected, version)
        ]

    def reply(self, answer: Any, status: int = 200) -> None:
        """Answer in JSON."""
        self.reply_bytes(json.dumps(answer).encode(), status)

    def reply_bytes(self, content: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        """Answer with ``content``, of which the header may claim another length."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        if length is not None and length > len(content):
            self.close_connection = True

    def handle(self) -> None:
        """Answer, unless whoever asked lost patience."""
        with suppress(BrokenPipeError, ConnectionResetError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing: pytest shows what is asked in vain."""


def _brief(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"vulns": [{"id": entry["id"], "modified": entry["modified"]} for entry in found]} if found else {}


def _affects(affected: dict[str, Any], version: Version) -> bool:
    (events,) = (entry["events"] for entry in affected["ranges"])
    fixed = [Version(event["fixed"]) for event in events if "fixed" in event]
    return not fixed or version < min(fixed)
