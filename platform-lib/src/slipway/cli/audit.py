"""``slipway audit``: who did what with which release."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Json, Model, PublicKey
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.attestation.audit import Entry


def audit(
    model: Model,
    append: Annotated[
        str | None,
        typer.Option("--append", metavar="ACTION", help="Append an entry: what was done, e.g. promoted or rejected."),
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="RELEASE", help="With --append: which release it was done with.")
    ] = None,
    key: PublicKey = None,
    json: Json = False,
) -> None:
    """Show a model's audit log, gitops/audit/MODEL.jsonl, after checking its chain and that it extends Git's copy.

    With --append, first add an entry: who you are to Git, the release, and the evidence on which it was done; the
    release must verify with --key. Commit the log with what it tells of. Exit 3 naming the line that was tampered with.

    Examples:

      slipway audit flight_delay

      slipway audit flight_delay --append promoted --release 3f9a0c42 --key gitops/keys
    """
    from dataclasses import asdict

    from slipway import project
    from slipway.attestation import audit as logs
    from slipway.attestation.repository import Repository
    from slipway.files import canonical_json

    project.paths(model)
    home = project.root()
    log = home / logs.file(model)
    logs.check_extends(log, Repository(home).committed(logs.file(model).as_posix()))
    if append is not None:
        if release is None or key is None:
            raise UsageError("--append needs --release and --key.", "Say which release, and who must have signed it.")
        logs.append(log, _entry(append, release, key, model, home))
    entries = logs.read(log)
    if json:
        sys.stdout.write(canonical_json([asdict(entry) for entry in entries]).decode())
        return
    for entry in entries:
        print(f"{entry.time}  {entry.action:<10}  {entry.release[:12]}  {entry.who}  evidence {entry.evidence[:12]}")
    print(f"{len(entries)} entries, all chained")


def _entry(action: str, release: str, key: Path, model: str, home: Path) -> Entry:
    from datetime import UTC, datetime

    from slipway.attestation import provenance
    from slipway.attestation.audit import Entry
    from slipway.attestation.examine import Trusted, examine
    from slipway.attestation.repository import Repository
    from slipway.files import sha256_file
    from slipway.release import keyring
    from slipway.release.find import find

    trusted = Trusted(key)
    found = examine(find(release), trusted)
    if found.error is not None:
        raise found.error
    if found.manifest["model"] != model:
        raise UsageError(
            f"Release {found.folder.name[:12]} is one of model {found.manifest['model']}, not of {model}.",
            "Name a release of this model.",
        )
    statement = trusted.file(found.folder, model, provenance.SUFFIX)
    return Entry(
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        who=Repository(home).identity,
        action=action,
        model=model,
        release=found.folder.name,
        evidence=sha256_file(found.folder / "evidence.json"),
        statement=sha256_file(statement),
        key=provenance.read(statement, found.folder.name, keyring.load(key)).key.hint,
    )
