"""The statement of provenance: what a release was made of, by whom, and how every gate judged it.

An in-toto statement with a SLSA provenance predicate; fields that SLSA does not know begin with ``slipway_``.
docs/reference/provenance.md shows one.

Source: https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from slipway.attestation.repository import Commit
from slipway.evidence import EvidenceRefused
from slipway.files import canonical_json, read_json
from slipway.release import statement
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.keyring import Key, check_period

SUFFIX = ".provenance.json"
KIND = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:slipway:dvc-repro:v1"
BUILDER_VARIABLE = "SLIPWAY_BUILDER"
LOCAL_BUILDER = "urn:slipway:builder:workstation"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Provenance:
    """What a statement of provenance says.

    Attributes:
        release: what it is about, by its digest.
        commit: the source, by its full hash.
        builder: who made it, a URI; a claim of the key's owner.
        signed_on: when it was signed, by the signer's clock.
        verdicts: sha256 of each gate's verdict.
        audit: entries and sha256 of the audit log when it was signed; None where there was no log.
        key: whose key signed it.
    """

    release: str
    commit: str
    builder: str
    signed_on: datetime
    verdicts: Mapping[str, str]
    audit: tuple[int, str] | None
    key: Key


def verdicts(folder: Path) -> dict[str, str]:
    """Sha256 of each verdict that the release in ``folder`` holds, by gate; none if its evidence is none.

    Raises:
        EvidenceRefused: when a verdict holds what JSON cannot: no number, or half of a character.
    """
    evidence = read_json(folder / "evidence.json")
    held = evidence.get("verdicts") if isinstance(evidence, dict) else None
    if not isinstance(held, dict):
        return {}
    try:
        return {gate: hashlib.sha256(canonical_json(verdict)).hexdigest() for gate, verdict in held.items()}
    except ValueError as error:
        raise EvidenceRefused(
            f"The verdicts of release {folder.name[:12]} are not what Slipway writes: {error!r}.",
            "Such a release was not made by `dvc repro`; do not use it.",
        ) from error


def predicate(
    folder: Path, manifest: Mapping[str, Any], commit: Commit, signed_on: datetime, audit: tuple[int, str] | None
) -> dict[str, Any]:
    """The predicate about the release in ``folder``, which was made of ``commit``."""
    held = read_json(folder / "evidence.json")["verdicts"]
    digests = verdicts(folder)
    told: dict[str, Any] = {
        "slipway_signedOn": signed_on.astimezone(UTC).strftime(_TIME),
        "slipway_verdicts": [
            {"gate": gate, "passed": held[gate]["passed"], "digest": {"sha256": digests[gate]}} for gate in sorted(held)
        ],
    }
    if audit is not None:
        told["slipway_audit"] = {"entries": audit[0], "digest": {"sha256": audit[1]}}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"model": manifest["model"], "params": read_json(folder / "params.json")},
            "resolvedDependencies": [_source(commit), *_environment(commit), *_data(folder)],
        },
        "runDetails": {
            "builder": {
                "id": os.environ.get(BUILDER_VARIABLE) or LOCAL_BUILDER,
                "version": {"slipway": metadata.version("slipway")},
            },
            "metadata": told,
            "byproducts": [
                {"name": name, "digest": {"sha256": manifest["files"][name]["sha256"]}}
                for name in ("evidence.json", "card.md")
                if name in manifest["files"]
            ],
        },
    }


def _source(commit: Commit) -> dict[str, Any]:
    address = commit.repository.address
    return {"name": "source", "digest": {"gitCommit": commit.name}} | ({"uri": address} if address else {})


def _environment(commit: Commit) -> list[dict[str, Any]]:
    """The lock files of the Python environments that stages run in, as the commit has them."""
    locks = sorted(name for name in commit.files if name == "uv.lock" or name == "environments/drift/uv.lock")
    return [
        {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
        for name, content in commit.read(locks).items()
    ]


def _data(folder: Path) -> list[dict[str, Any]]:
    origin = read_json(folder / "provenance.json")
    package = {"uri": f"pkg:pypi/{origin['package']}@{origin['version']}"} if "version" in origin else {}
    return [
        {"name": f"data/{entry['file']}", "digest": {"sha256": entry["sha256"]}} | package
        for entry in origin.get("files", {}).values()
    ]


def read(file: Path, release: str, keys: Iterable[Key]) -> Provenance:
    """Read the statement of provenance of ``release``, whose key was in force when it was signed.

    Raises:
        ReleaseUntrusted: naming what does not hold.
    """
    signed = statement.read(file, KIND, release, keys)
    found = _parsed(file, signed)
    check_period(found.key, found.signed_on, f"release {release[:12]}")
    return found


def _parsed(file: Path, signed: statement.Statement) -> Provenance:
    remedy = "Sign the release again: `slipway sign`."
    try:
        build, run = signed.predicate["buildDefinition"], signed.predicate["runDetails"]
        if build["buildType"] != BUILD_TYPE:
            raise ReleaseUntrusted(
                f"{file} tells of a build of type {build['buildType']}; this Slipway knows {BUILD_TYPE}.",
                "Use the Slipway version that signed the release.",
            )
        told = run["metadata"]
        audit = told.get("slipway_audit")
        return Provenance(
            release=signed.release,
            commit=str(build["resolvedDependencies"][0]["digest"]["gitCommit"]),
            builder=str(run["builder"]["id"]),
            signed_on=datetime.strptime(told["slipway_signedOn"], _TIME).replace(tzinfo=UTC),
            verdicts={entry["gate"]: entry["digest"]["sha256"] for entry in told["slipway_verdicts"]},
            audit=(int(audit["entries"]), str(audit["digest"]["sha256"])) if audit else None,
            key=signed.key,
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ReleaseUntrusted(f"{file} does not say all that provenance must say: {error!r}.", remedy) from error
