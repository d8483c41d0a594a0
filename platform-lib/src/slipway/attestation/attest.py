"""Vouching for a release: its signature, and the statement of provenance beside it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from slipway import gates, project
from slipway.attestation import audit, provenance, source
from slipway.attestation.repository import Commit
from slipway.errors import EnvironmentFault, UsageError
from slipway.progress import step
from slipway.release import lineage, manifest, signing, statement, trust


def attest(folder: Path, private: Path, target: Path | None, now: datetime) -> tuple[Path, Path]:
    """Sign the release in ``folder`` and what it was made of, after checking both.

    Args:
        folder: the release, named by its digest, in the monorepo that made it.
        private: PEM file of the private key.
        target: the signature's file; None for where it belongs. The statement gets the same name with another suffix.
        now: the time of signing.

    Returns:
        The signature's file and the statement's.

    Raises:
        ReleaseBroken, EvidenceRefused: when the release does not verify, or lacks a green verdict of a gate of today.
        SourceUnknown: when no commit holds what it was made of.
        ReleaseUntrusted: when the monorepo's keyring says that the key is not in force.
        EnvironmentFault: when the clock is behind the commit.
        UsageError: outside a monorepo, and for what :func:`slipway.release.signing.sign` refuses.
    """
    signing.refuse_inside_monorepo(private)
    signing.refuse_expired(private, now)
    listed = manifest.verify(folder)
    model = str(listed["model"])
    lineage.check(folder, listed, gates.names())
    with step("looking for the commit that holds what the release was made of"):
        commit = source.find(folder, model, _home())
    _refuse_slow_clock(commit, now, lineage.limit(folder, "provenance", "clock_tolerance_minutes"))
    signature = target or trust.signature_of(folder, model)
    told = signature.with_suffix(provenance.SUFFIX)
    signing.sign(folder, private, signature)
    said = provenance.predicate(folder, listed, commit, now, audit.head(_home() / audit.file(model)))
    statement.write(told, provenance.KIND, (model, folder.name), said, private)
    return signature, told


def _home() -> Path:
    try:
        return project.root()
    except UsageError as error:
        raise UsageError(
            f"A release is signed where it was made, for its source is signed too: {error.what}", error.remedy
        ) from error


def _refuse_slow_clock(commit: Commit, now: datetime, tolerance: int) -> None:
    if now < commit.time - timedelta(minutes=tolerance):
        raise EnvironmentFault(
            f"This machine's clock says {now:%Y-%m-%dT%H:%M:%SZ}, which is before the release's source was committed "
            f"({commit.time:%Y-%m-%dT%H:%M:%SZ}).",
            "Set the clock; a release that is dated wrongly is refused.",
        )
