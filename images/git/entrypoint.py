#!/usr/bin/env python3.11
"""Make the platform's bare repositories where they are missing, and become their HTTP server.

ARGOCD_WEBHOOK_URL is where a push is told; without it, Argo CD finds pushes by polling. SLIPWAY_GIT_URL is how Argo
CD's applications name this server. The files /etc/slipway-git/htpasswd and webhook-secret hold who may write and the
key that signs. The server does not hand its environment on to a hook, so both addresses go into the repositories'
configuration.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path("/srv/git")
REPOSITORIES = ("platform", "upstream")
HOOK = Path("/usr/local/lib/slipway-git/post-receive")
SERVICE = "http://git.slipway-git.svc.cluster.local"


def prepare(name: str) -> None:
    """Make one repository, if need be, and bring its hook and settings up to date."""
    repository = ROOT / f"{name}.git"
    # Repeated on a repository, this changes nothing and mends what a killed start left half.
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    hook = repository / "hooks" / "post-receive"
    hook.unlink(missing_ok=True)
    hook.symlink_to(HOOK)
    settings = {
        "slipway.repository": f"{os.environ.get('SLIPWAY_GIT_URL', SERVICE)}/{name}",
        "slipway.webhook": os.environ.get("ARGOCD_WEBHOOK_URL", ""),
    }
    for key, value in settings.items():
        subprocess.run(["git", "-C", repository, "config", key, value], check=True)


def main() -> None:
    """Entry point."""
    for name in REPOSITORIES:
        prepare(name)
    os.execv("/usr/sbin/lighttpd", ["lighttpd", "-D", "-f", "/etc/lighttpd/slipway-git.conf"])


if __name__ == "__main__":
    main()
