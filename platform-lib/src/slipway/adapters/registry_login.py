"""Telling a registry who one is, by what `docker login` and its like left in Docker's configuration.

Sources: https://distribution.github.io/distribution/spec/auth/token/ and
https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slipway.errors import EnvironmentFault

_SECONDS = 30.0
_FIELD = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Login:
    """What to send as Authorization; empty until a registry asks."""

    header: str = ""

    def answer(self, challenge: str, host: str) -> bool:
        """Answer a registry's WWW-Authenticate; False if there is nothing else to answer than what was sent before."""
        scheme, _, rest = challenge.partition(" ")
        fields, basic = dict(_FIELD.findall(rest)), _basic(host)
        before = self.header
        if scheme.lower() == "basic" and basic:
            self.header = f"Basic {basic}"
        elif scheme.lower() == "bearer" and "realm" in fields:
            self.header = f"Bearer {_token(fields, basic)}"
        return self.header != before


def _token(fields: dict[str, str], basic: str) -> str:
    asked = urlencode({name: said for name, said in fields.items() if name in ("service", "scope")})
    request = urllib.request.Request(f"{fields['realm']}?{asked}")
    if basic:
        request.add_unredirected_header("Authorization", f"Basic {basic}")
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        content = json.load(answer)
    return str(content.get("token") or content.get("access_token", ""))


def _basic(host: str) -> str:
    """User and password for ``host``, as HTTP's Basic scheme wants them; empty if there are none."""
    config = _configuration()
    helper = config.get("credHelpers", {}).get(host) or config.get("credsStore")
    if helper:
        return _helped(str(helper), host)
    return str(config.get("auths", {}).get(host, {}).get("auth", ""))


def _configuration() -> dict[str, Any]:
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"{file} cannot be read: {error}.", "Mend it, or log in again.") from error
    return content if isinstance(content, dict) else {}


def _helped(helper: str, host: str) -> str:
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, "get"], input=host, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EnvironmentFault(
            f"Docker's configuration names {program}, which cannot be run.", "Install it."
        ) from error
    if done.returncode != 0:
        return ""
    found = json.loads(done.stdout)
    return base64.b64encode(f"{found['Username']}:{found['Secret']}".encode()).decode()
