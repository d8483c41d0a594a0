"""A Kubernetes API of the few objects that a roll-out reads, and of Leases, over loopback HTTP."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

_PATH = re.compile(r"/apis?/(?:[^/]+/)?v1/namespaces/(?P<namespace>[^/]+)/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?")
_KINDS = {
    "pods": ("v1", "Pod"),
    "deployments": ("apps/v1", "Deployment"),
    "seldondeployments": ("machinelearning.seldon.io/v1", "SeldonDeployment"),
    "leases": ("coordination.k8s.io/v1", "Lease"),
}


def stamp(moment: datetime | float) -> str:
    """As Kubernetes writes a time."""
    at = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(service: str, name: str, ready_since: float | None, **status: Any) -> dict[str, Any]:
    """A pod that is ready since then; None for one that is not. ``status`` goes into its container's status."""
    at = stamp(ready_since if ready_since is not None else 0.0)
    ready = {"type": "Ready", "status": "True" if ready_since is not None else "False", "lastTransitionTime": at}
    if ready_since is None:
        ready |= {"reason": "ContainersNotReady", "message": "containers with unready status: [server]"}
    container = {"name": "server", "image": "i", "imageID": "i", "ready": ready_since is not None, "restartCount": 0}
    return {
        "metadata": {"name": name, "labels": {"seldon-app": service}},
        "status": {"conditions": [ready], "containerStatuses": [container | status]},
    }


def deployment(service: str, replicas: int, *conditions: dict[str, Any]) -> dict[str, Any]:
    """The operator's Deployment of a release's Service."""
    return {
        "metadata": {"name": f"{service}-0-server"},
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"conditions": list(conditions)},
    }


@dataclass
class FakeKubernetes:
    """It.

    Attributes:
        objects: by namespace, kind in the plural, and name.
        away: answer nothing but 503.
    """

    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _version: int = 0

    def put(self, namespace: str, kind: str, content: dict[str, Any]) -> None:
        """Have an object, in place of one of the same name."""
        with self._lock:
            self._put(namespace, kind, content)

    def _put(self, namespace: str, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        api, name = _KINDS[kind]
        held = {"apiVersion": api, "kind": name, **content}
        held["metadata"] = {**content["metadata"], "namespace": namespace, "resourceVersion": str(self._version)}
        self.objects[namespace, kind, content["metadata"]["name"]] = held
        return held

    def run(self, namespace: str, service: str, replicas: int, since: float) -> None:
        """Have a release run, ready since then."""
        self.put(namespace, "deployments", deployment(service, replicas))
        for number in range(replicas):
            self.put(namespace, "pods", pod(service, f"{service}-{number}", since))

    def kubeconfig(self, file: Path) -> Path:
        """Write the file by which it is asked."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {"token": "of-no-worth"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        }
        file.write_text(yaml.safe_dump(content))
        return file

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeKubernetes:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, answer = outer.answer(self.command, self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _any

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, verb: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer."""
        parts = urlsplit(path)
        found = _PATH.fullmatch(parts.path)
        if self.away or found is None:
            return _status(503 if self.away else 404, "the server is away" if self.away else f"no {path}")
        namespace, kind = found["namespace"], found["kind"]
        name = found["name"] or (body or {}).get("metadata", {}).get("name")
        with self._lock:
            held = self.objects.get((namespace, kind, name))
            if verb == "GET" and name is None:
                return 200, self._list(namespace, kind, parse_qs(parts.query))
            if verb == "GET":
                return (200, held) if held is not None else _status(404, f'{kind} "{name}" not found')
            assert body is not None
            asked = body["metadata"].get("resourceVersion")
            if (verb == "POST") != (held is None):
                return _status(409 if held is not None else 404, f'{kind} "{name}" is there or is not')
            if held is not None and asked != held["metadata"]["resourceVersion"]:
                return _status(409, "the object has been modified")
            return 200, self._put(namespace, kind, body)

    def _list(self, namespace: str, kind: str, query: dict[str, list[str]]) -> dict[str, Any]:
        wanted = dict(part.split("=", 1) for part in unquote(query.get("labelSelector", [""])[0]).split(",") if part)
        items = [
            held
            for (where, what, _), held in self.objects.items()
            if (where, what) == (namespace, kind) and wanted.items() <= held["metadata"].get("labels", {}).items()
        ]
        api, name = _KINDS[kind]
        return {"apiVersion": api, "kind": f"{name}List", "metadata": {"resourceVersion": "1"}, "items": items}


def _status(code: int, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
