"""``slipway verify``: is this release what it claims to be?"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Json, PublicKey, ReleaseName, Signature
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.attestation.examine import Examination


def verify(
    release: ReleaseName,
    key: PublicKey = None,
    signature: Signature = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Judge as of this time (ISO 8601; UTC if it has no zone)."),
    ] = None,
    json: Json = False,
) -> None:
    """Check a release against all that is said of it, and print what holds.

    Without a key: every file against the manifest, the manifest against its name, the verdicts against the files. With
    a key also: the signature, the signed statement of provenance, its source commit, its MLflow run, the audit log and
    a green scan for advisories that is not too old. What only the monorepo knows is judged in the monorepo.

    Exit 0 if all that was judged holds; else the code of the first refusal: 1 if a verdict is red, missing or stale,
    3 if something is not what was signed.

    Examples:

      slipway verify flight_delay

      slipway verify flight_delay --key ~/.config/slipway/development.pem.pub

      slipway verify 3f9a0c42 --key gitops/keys --at 2026-11-24T12:00:00Z --json
    """
    from slipway.attestation.examine import Trusted, examine
    from slipway.files import canonical_json
    from slipway.release.find import find

    now = datetime.now(UTC) if at is None else _moment(at)
    found = examine(find(release), Trusted(key, signature, now))
    if json:
        sys.stdout.write(canonical_json(_facts(found, now, key is not None)).decode())
    else:
        _print(found)
    if found.error is not None:
        raise found.error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at {text} is not a time.", "Write it as 2026-11-24T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _facts(found: Examination, now: datetime, signed: bool) -> dict[str, Any]:
    files = found.manifest.get("files", {})
    return {
        "release": found.folder.name,
        "model": found.manifest.get("model"),
        "files": len(files),
        "bytes": sum(entry["bytes"] for entry in files.values()),
        "gates": found.gates,
        "at": now.isoformat(timespec="seconds"),
        "verified": found.error is None,
        "signed": signed and found.error is None,
        "provenance": found.verdict.as_evidence() if found.verdict else None,
        "checks": [
            {
                "check": check.name,
                "state": check.state,
                "said": check.said,
                "error": type(check.error).__name__ if check.error else None,
                "exit_code": check.error.exit_code if check.error else 0,
            }
            for check in found.checks
        ],
    }


def _print(found: Examination) -> None:
    print(f"{found.manifest.get('model', 'release')} {found.folder.name}")
    width = max(len(check.name) for check in found.checks)
    for check in found.checks:
        print(f"  {check.name:<{width}}  {check.state:<10}  {check.said}")
