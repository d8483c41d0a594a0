"""pip-audit, in its strict form, on exact pins: nothing is resolved or installed, and only the source is asked.

It asks about one package at a time and knows the versions that fix an advisory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.gates.advisories import Advisory
from slipway.supply_chain.osv import SourceSilent
from slipway.supply_chain.sbom import Pin

SECONDS = 120.0
_OPTIONS = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", "--aliases=on")


def audit(url: str, pins: Sequence[Pin], seconds: float = SECONDS) -> list[Advisory]:
    """What pip-audit finds against ``pins`` at the advisory source ``url``, which speaks OSV's protocol.

    Raises:
        SourceSilent: when it does not come to its end within ``seconds``, fails, or leaves a package out.
    """
    with TemporaryDirectory() as scratch:
        report = _run(url, pins, Path(scratch), seconds)
    audited = {f"{entry['name']}=={entry.get('version')}" for entry in report}
    left_out = sorted({str(pin) for pin in pins} - audited)
    if left_out:
        raise SourceSilent(f"pip-audit left out {', '.join(left_out)}.")
    return [_advisory(entry, found) for entry in report for found in entry["vulns"]]


def _run(url: str, pins: Sequence[Pin], scratch: Path, seconds: float) -> list[dict[str, Any]]:
    requirements, report = scratch / "requirements.txt", scratch / "report.json"
    requirements.write_text("".join(f"{pin} --hash=sha256:{pin.sha256}\n" for pin in pins))
    command = [
        sys.executable, "-m", "pip_audit", *_OPTIONS, f"--requirement={requirements}", f"--output={report}",
        "--vulnerability-service=osv", f"--osv-url={url}/v1/query", f"--cache-dir={scratch / 'cache'}",
    ]  # fmt: skip
    # A person's own settings must not change what is asked.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_AUDIT_")}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, check=False, cwd=scratch
        )
    except subprocess.TimeoutExpired as error:
        raise SourceSilent(f"pip-audit got no whole answer within {seconds:g} seconds.") from error
    try:
        # Its exit code is 1 both for advisories and for failures; only after success it writes a report.
        found: list[dict[str, Any]] = json.loads(report.read_bytes())["dependencies"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceSilent(f"pip-audit failed: {_complaint(done.stderr)}") from error
    return found


def _complaint(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.partition(":")[2].partition(":")[2] for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[0 if errors else -1]


def _advisory(package: dict[str, Any], found: dict[str, Any]) -> Advisory:
    return Advisory(
        package=package["name"],
        version=package["version"],
        id=found["id"],
        aliases=tuple(sorted(found["aliases"])),
        fixed=tuple(found["fix_versions"]),
    )
