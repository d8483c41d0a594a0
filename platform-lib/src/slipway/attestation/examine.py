"""Everything that is said about a release, held against it: what ``slipway verify`` prints.

Every check runs, whatever the others say, as far as there is something to check: one who mends a release wants to
see all that is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from slipway import project
from slipway.adapters import mlflow_store
from slipway.attestation import audit, provenance, source
from slipway.attestation.repository import Repository
from slipway.errors import GateRed, SlipwayError, UsageError
from slipway.gates import provenance as gate
from slipway.gates.provenance import Findings, Witness
from slipway.gates.verdict import Verdict
from slipway.release import keyring, lineage, manifest, statement, trust
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.keyring import Key
from slipway.supply_chain import scan

_T = TypeVar("_T")


class State(StrEnum):
    """The outcome of a check."""

    HOLDS = "holds"
    REFUSED = "REFUSED"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Check:
    """One line of the table: what was checked, its outcome, and a sentence about it; ``error`` if it was refused."""

    name: str
    state: State
    said: str
    error: SlipwayError | None = None


@dataclass(frozen=True)
class Trusted:
    """By what a release is examined.

    Attributes:
        key: a public key or a folder of them; None to believe nobody.
        signature: the signature's file; None to look for it where it belongs. The statements stand beside it.
        now: the time to judge by.
    """

    key: Path | None = None
    signature: Path | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def file(self, folder: Path, model: str, suffix: str) -> Path:
        """Where the statement with ``suffix`` is."""
        if self.signature is None:
            return statement.beside(folder, model, suffix)
        return self.signature.with_suffix(suffix)


@dataclass
class Examination:
    """What was found about the release in ``folder``.

    Attributes:
        folder: the release, absolute.
        manifest: its verified manifest; empty if it does not verify.
        gates: the gates whose green verdicts it holds.
        checks: all checks, in the order in which they ran.
        witnesses: those of them that name a release by its digest.
        verdict: of gate provenance; None if no key was named.
    """

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    gates: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    verdict: Verdict | None = None

    @property
    def error(self) -> SlipwayError | None:
        """The first refusal, which is the nearest to the release itself."""
        return next((check.error for check in self.checks if check.error is not None), None)

    def ask(self, name: str, question: Callable[[], _T], said: Callable[[_T], str]) -> _T | None:
        """Run a check; its answer, or None if it refused."""
        try:
            answer = question()
        except SlipwayError as error:
            self.checks.append(Check(name, State.REFUSED, error.what, error))
            return None
        self.checks.append(Check(name, State.HOLDS, said(answer)))
        return answer

    def hear(
        self, name: str, question: Callable[[], _T], said: Callable[[_T], str], named: Callable[[_T], str]
    ) -> _T | None:
        """Run a check on what names a release, as its answer says by ``named``."""
        answer = self.ask(name, question, said)
        refused = "" if answer is not None else self.checks[-1].said
        self.witnesses.append(Witness(name, None if answer is None else named(answer), refused))
        return answer

    def skip(self, name: str, why: str) -> None:
        """Note that a check could not be made."""
        self.checks.append(Check(name, State.NOT_JUDGED, why))


def examine(folder: Path, trusted: Trusted) -> Examination:
    """Examine the release in ``folder``.

    Raises:
        UsageError: for a signature without a key, which would prove nothing, and for a keyring that is none.
    """
    if trusted.key is None and trusted.signature is not None:
        raise UsageError("A signature is given, and no key to check it with.", "Name the public key with --key.")
    keys = keyring.load(trusted.key) if trusted.key else ()
    found = Examination(folder.resolve())
    listed = found.hear(
        "manifest",
        lambda: manifest.verify(found.folder),
        lambda it: f"{len(it['files'])} files verify",
        lambda _: manifest.digest_of(found.folder),
    )
    if listed is None:
        # Its own files say nothing now, the thresholds in them neither; without a statement there is no clock to judge.
        found.verdict = gate.judge(_findings(found, None, {}, trusted), gate.Thresholds(0))
        return found
    found.manifest = listed
    told = _signed(found, trusted, keys)
    held = found.ask("verdicts", lambda: lineage.check(found.folder, listed), lambda it: f"{len(it)} gates green")
    found.gates = held or []
    if trusted.key is None:
        for name in ("signature", "statement", "lineage", "provenance", "advisories"):
            found.skip(name, "no key was named (--key)")
        return found
    _lineage(found, told)
    found.ask("provenance", lambda: _judged(found, told, trusted), lambda said: said)
    file = trusted.file(found.folder, str(listed["model"]), scan.SUFFIX)
    found.ask("advisories", lambda: _scanned(found, file, keys, trusted), lambda said: said)
    return found


def _signed(found: Examination, trusted: Trusted, keys: tuple[Key, ...]) -> provenance.Provenance | None:
    """What the statement of provenance says, if it and the signature are to be believed."""
    key, model = trusted.key, str(found.manifest["model"])
    if key is None:
        return None
    signature = trusted.signature or trust.signature_of(found.folder, model)
    found.hear(
        "signature",
        lambda: trust.check(found.folder, found.manifest, signature, key),
        lambda _: f"by {key}",
        lambda named: named,
    )
    file = trusted.file(found.folder, model, provenance.SUFFIX)
    return found.hear(
        "statement",
        lambda: provenance.read(file, found.folder.name, keys),
        lambda it: f"by {it.key.file.name} on {it.signed_on:%Y-%m-%dT%H:%M:%SZ}, builder {it.builder}",
        lambda it: it.release,
    )


def _lineage(found: Examination, told: provenance.Provenance | None) -> None:
    """What the monorepo knows of the release: its commit, its MLflow run, its audit log."""
    home = project.enclosing(Path.cwd())
    if home is None or told is None:
        found.skip("lineage", "this is no monorepo" if home is None else "there is no statement to believe")
        return
    made_here = found.folder.is_relative_to(home / "releases")
    repository = Repository(home)
    if repository.commit(told.commit) is None and not made_here:
        found.skip("lineage", f"made elsewhere: this clone has no commit {told.commit[:12]}")
        return
    model, same = str(found.manifest["model"]), lambda _: found.folder.name
    found.hear("source commit", lambda: _source(found, told, repository), lambda it: f"commit {it[:12]}", same)
    store = home / mlflow_store.FILE
    if made_here and store.is_file():
        run = partial(mlflow_store.find, store, model, found.folder.name)
        found.hear("MLflow run", run, lambda it: f"run {it}", same)
    else:
        found.skip("MLflow run", "its store is not here" if made_here else "a copy is not what was recorded")
    if told.audit is None:
        found.skip("audit log", "there was none when the release was signed")
    else:
        log, recorded = home / audit.file(model), told.audit
        found.ask("audit log", lambda: audit.check_holds(log, *recorded), lambda it: f"{it} entries, all chained")


def _source(found: Examination, told: provenance.Provenance, repository: Repository) -> str:
    digest = found.folder.name
    commit = source.held(repository, told.commit, digest)
    source.check(commit, found.folder, str(found.manifest["model"]))
    if commit.time > told.signed_on:
        raise ReleaseUntrusted(
            f"Release {digest[:12]} was signed on {told.signed_on:%Y-%m-%dT%H:%M:%SZ}, says its statement, before its "
            f"commit {told.commit[:12]} was made on {commit.time:%Y-%m-%dT%H:%M:%SZ}: it was dated back.",
            "Ask who signed it; sign it anew with a key that is in force.",
        )
    return told.commit


def _judged(found: Examination, told: provenance.Provenance | None, trusted: Trusted) -> str:
    thresholds = gate.Thresholds(lineage.limit(found.folder, "provenance", "clock_tolerance_minutes"))
    found.verdict = gate.judge(_findings(found, told, provenance.verdicts(found.folder), trusted), thresholds)
    if not found.verdict.passed:
        raise GateRed(f"Gate provenance is red: {found.verdict.reason}", "What is refused says what to do.")
    return found.verdict.reason


def _findings(
    found: Examination, told: provenance.Provenance | None, held: dict[str, str], trusted: Trusted
) -> Findings:
    return Findings(
        release=found.folder.name,
        witnesses=found.witnesses,
        signed=told.verdicts if told else {},
        held=held,
        signed_on=told.signed_on if told else None,
        now=trusted.now,
    )


def _scanned(found: Examination, file: Path, keys: tuple[Key, ...], trusted: Trusted) -> str:
    remedy = "Scan the release again: `slipway scan`."
    if not file.is_file():
        raise GateRed(f"Gate advisories is red: the release was never scanned, there is no {file}.", remedy)
    days = lineage.limit(found.folder, "advisories", "max_age_days")
    verdict = scan.check(found.folder, file, keys, days, trusted.now)
    if not verdict.passed:
        raise GateRed(f"Gate advisories is red: {verdict.reason}", remedy)
    return verdict.reason
