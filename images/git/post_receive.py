#!/usr/bin/env python3.11
"""Tell Argo CD what a push changed, as GitHub's push event, signed with the secret that both sides know.

A push never fails because of this: Argo CD finds it by polling too, and the pusher is told so.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SECRET = Path("/etc/slipway-git/webhook-secret")
BRANCH = "refs/heads/"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
FIELDS = {"A": "added", "D": "removed"}
ATTEMPTS = 3


def git(*arguments: str) -> str:
    """What git answers in the repository that was pushed to."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def changes(before: str, after: str) -> dict[str, list[str]]:
    """The paths that differ between two commits, by what happened to them, as in a commit of GitHub's event."""
    start = before if before.strip("0") else EMPTY_TREE
    listed = git("diff", "--name-status", "--no-renames", "-z", start, after).split("\0")
    found: dict[str, list[str]] = {"added": [], "modified": [], "removed": []}
    for status, path in zip(listed[0::2], listed[1::2], strict=False):
        found[FIELDS.get(status, "modified")].append(path)
    return found


def event(before: str, after: str, ref: str) -> dict[str, object]:
    """GitHub's push event, as far as Argo CD reads it."""
    url = git("config", "slipway.repository").strip()
    default = git("symbolic-ref", "--short", "HEAD").strip()
    repository = {"name": url.rsplit("/", 1)[-1], "html_url": url, "default_branch": default}
    commit = {"id": after, **changes(before, after)}
    return {"ref": ref, "before": before, "after": after, "repository": repository, "commits": [commit]}


def send(url: str, body: bytes) -> None:
    """Send an event, again if Argo CD does not answer at once."""
    signature = hmac.new(SECRET.read_text().strip().encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    for attempt in range(1, ATTEMPTS + 1):
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5).close()
            return
        except urllib.error.URLError:
            if attempt == ATTEMPTS:
                raise
            time.sleep(1)


def main() -> None:
    """Entry point: git gives one line `before after ref` for each ref of the push."""
    url = git("config", "--default", "", "slipway.webhook").strip()
    for line in sys.stdin if url else ():
        before, after, ref = line.split()
        if not ref.startswith(BRANCH) or not after.strip("0"):
            continue
        try:
            send(url, json.dumps(event(before, after, ref)).encode())
        except (OSError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"Argo CD was not told of {ref} ({error}); it will find the push when it polls.\n")


if __name__ == "__main__":
    main()
