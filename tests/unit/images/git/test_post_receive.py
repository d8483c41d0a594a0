"""The hook that tells Argo CD of a push: real repositories, and a server that checks what GitHub's receivers check."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.images import scripts

hook = scripts.load("images/git/post_receive.py")
ZEROS = "0" * 40
SECRET = "the secret of both sides"


class ArgoCD:
    """Takes events while it is up; `answers` are the codes of its first answers, then 200."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.url = ""


@pytest.fixture
def argocd() -> Iterator[ArgoCD]:
    state = ArgoCD()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = state.answers.pop(0) if state.answers else 200
            signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            if code == 200 and (self.headers["X-Hub-Signature-256"], self.headers["X-GitHub-Event"]) == (
                signature,
                "push",
            ):
                state.events.append(json.loads(body))
            self.send_response(code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/api/webhook"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def repository(tmp_path: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as the server has it, in which the hook runs."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setattr(hook, "SECRET", tmp_path / "secret")
    monkeypatch.setattr(hook.time, "sleep", lambda seconds: None)
    repository = tmp_path / "platform"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", repository], check=True)
    monkeypatch.chdir(repository)
    for key, value in {
        "slipway.webhook": argocd.url,
        "slipway.repository": "http://git.example/platform",
        "user.name": "Somebody",
        "user.email": "somebody@example.org",
    }.items():
        git("config", key, value)
    return repository


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit(**files: str | None) -> str:
    """Write files, or remove those that are None, and commit."""
    for name, content in files.items():
        git("rm", "--quiet", name) if content is None else Path(name).write_text(content)
    git("add", "--all")
    git("commit", "--quiet", "--message", "A change")
    return git("rev-parse", "HEAD")


def push(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    hook.main()


def test_an_event_names_the_branch_the_commits_and_the_paths(
    repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(kept="1", gone="1")
    second = commit(kept="2", gone=None, new="1")
    push(monkeypatch, f"{first} {second} refs/heads/main")
    (event,) = argocd.events
    assert (event["ref"], event["before"], event["after"]) == ("refs/heads/main", first, second)
    assert event["repository"]["html_url"] == "http://git.example/platform"
    assert event["repository"]["default_branch"] == "main"
    assert event["commits"] == [{"id": second, "added": ["new"], "modified": ["kept"], "removed": ["gone"]}]


def test_a_new_branch_holds_all_its_files(repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit(**{"with space": "1", "ümlaut": "1"})
    push(monkeypatch, f"{ZEROS} {first} refs/heads/main")
    assert argocd.events[0]["commits"][0]["added"] == ["with space", "ümlaut"]


def test_tags_and_removed_branches_are_not_told(
    repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(a="1")
    push(monkeypatch, f"{ZEROS} {first} refs/tags/v1", f"{first} {ZEROS} refs/heads/old")
    assert argocd.events == []


def test_it_asks_again_when_argo_cd_is_not_ready(
    repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch
) -> None:
    argocd.answers = [503, 503]
    first = commit(a="1")
    push(monkeypatch, f"{ZEROS} {first} refs/heads/main")
    assert len(argocd.events) == 1


def test_a_push_succeeds_without_argo_cd_and_the_pusher_is_told(
    repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argocd.answers = [500] * 3
    first = commit(a="1")
    push(monkeypatch, f"{ZEROS} {first} refs/heads/main")
    assert argocd.events == []
    assert "Argo CD was not told of refs/heads/main" in capsys.readouterr().err


def test_without_an_address_nothing_is_sent(repository: Path, argocd: ArgoCD, monkeypatch: pytest.MonkeyPatch) -> None:
    git("config", "slipway.webhook", "")
    push(monkeypatch, f"{ZEROS} {commit(a='1')} refs/heads/main")
    assert argocd.events == []
