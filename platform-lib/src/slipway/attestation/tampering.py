"""Each way to forge a release, tried on a copy, and what ``slipway verify`` and ``slipway unpack`` say to it.

The copies are signed and scanned by keys made for the occasion, so that forgeries by somebody who holds a trusted key
can be tried as well. What judges is the code of the verbs itself.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slipway.attestation import archive, provenance
from slipway.attestation.attest import attest
from slipway.attestation.examine import examine
from slipway.attestation.forgery import Copy, edit, entry, flip
from slipway.errors import EnvironmentFault, SlipwayError
from slipway.files import canonical_json, read_json
from slipway.gates.advisories import Advisory
from slipway.progress import step
from slipway.release import manifest, signing, trust
from slipway.release.manifest import MANIFEST
from slipway.supply_chain import scan

_Forge = Callable[[Copy], Copy]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Forgery:
    """A way to tamper, what it does to a copy, and the words by which it must be refused."""

    name: str
    forge: _Forge
    refusal: str


@dataclass(frozen=True)
class Outcome:
    """What was said to a forgery.

    Attributes:
        name: of the forgery.
        refused: whether it was refused.
        expected: whether by the words that are meant for it, among others perhaps.
        said: the refusal, the one with those words if there is one; empty if it got through.
        exit_code: of ``slipway verify`` or ``slipway unpack``; 0 if it got through.
    """

    name: str
    refused: bool
    expected: bool
    said: str
    exit_code: int


def outcomes(folder: Path, scratch: Path) -> list[Outcome]:
    """Try every forgery on copies of the release in ``folder``, which is in the monorepo that made it.

    Args:
        folder: the release, named by its digest; it must verify.
        scratch: an empty folder.

    Raises:
        EnvironmentFault: when the copy is refused before anything was done to it.
        SlipwayError: as :func:`slipway.attestation.attest.attest`, which signs the copies, raises it.
    """
    original = _original(folder, scratch)
    untouched = examine(original.release, original.trusted).error
    if untouched is not None:
        raise EnvironmentFault(f"The release does not verify before it is tampered with: {untouched}")
    with step(f"tampering in {len(_forgeries(original)) + len(_ARCHIVES)} ways"):
        tried = [_verified(it, original.to(scratch / str(number))) for number, it in enumerate(_forgeries(original))]
        return tried + [_unpacked(name, original, scratch) for name in _ARCHIVES]


def _original(folder: Path, scratch: Path) -> Copy:
    for name in ("owner", "forger"):
        signing.new_keys(scratch / f"{name}.pem")
    now, release = datetime.now(UTC), scratch / "original" / folder.name
    copy = Copy(release, scratch / "owner.pem", scratch / "forger.pem", now)
    attest(folder, copy.owner, copy.beside(trust.SUFFIX), now)
    shutil.copytree(folder, release)
    return copy.rescanned(copy.owner, now)


def _verified(forgery: Forgery, copy: Copy) -> Outcome:
    forged = forgery.forge(copy)
    found = examine(forged.release, forged.trusted)
    return _outcome(forgery.name, forgery.refusal, [check.error for check in found.checks if check.error])


def _outcome(name: str, refusal: str, errors: Sequence[SlipwayError]) -> Outcome:
    if not errors:
        return Outcome(name, refused=False, expected=False, said="", exit_code=0)
    meant = [error.what for error in errors if refusal in error.what]
    said = meant[0] if meant else errors[0].what
    return Outcome(name, refused=True, expected=bool(meant), said=said, exit_code=errors[0].exit_code)


def _forgeries(original: Copy) -> list[Forgery]:
    return [*_in_the_release(original), *_hashed_anew(), *_in_the_signature(), *_in_the_statement(), *_in_the_scan()]


def _in_the_release(original: Copy) -> list[Forgery]:
    def flipped(name: str) -> _Forge:
        def forge(copy: Copy) -> Copy:
            flip(copy.release / name)
            return copy

        return forge

    files = sorted(manifest.verify(original.release)["files"])
    one_of_each = {Path(name).suffix + Path(name).parent.name: name for name in files}
    bytes_changed = [
        Forgery(f"one byte of {name}", flipped(name), f"{name} has sha256") for name in one_of_each.values()
    ]
    return [
        *bytes_changed,
        Forgery("one byte of manifest.json", flipped(MANIFEST), f"{MANIFEST} has sha256"),
        Forgery("a file added", lambda it: _done(it, (it.release / "x.py").write_text("")), "x.py is not part of"),
        Forgery(
            "a file removed", lambda it: _done(it, (it.release / files[0]).unlink()), "is missing from the release"
        ),
        Forgery("a file made a link", _link, "is a symbolic link"),
        Forgery("the folder renamed", _renamed, "but the release is named"),
    ]


def _done(copy: Copy, _: object) -> Copy:
    return copy


def _link(copy: Copy) -> Copy:
    file, outside = copy.release / "card.md", copy.release.with_name("card.md")
    file.rename(outside)
    file.symlink_to(outside)
    return copy


def _renamed(copy: Copy) -> Copy:
    return replace(copy, release=copy.release.rename(copy.release.with_name("0" * 64)))


def _hashed_anew() -> list[Forgery]:
    """Manifest and name fit to what was changed, as by a forger who knows how a release is named."""

    def evidence(change: Callable[[dict[str, Any]], object]) -> _Forge:
        def forge(copy: Copy) -> Copy:
            content = read_json(copy.release / "evidence.json")
            change(content)
            return copy.rehashed("evidence.json", canonical_json(content))

        return forge

    def reworded(content: dict[str, Any]) -> None:
        next(iter(content["verdicts"].values()))["reason"] = "All is well."

    def reddened(content: dict[str, Any]) -> None:
        next(iter(content["verdicts"].values()))["passed"] = False

    def signed(forge: _Forge) -> _Forge:
        return lambda copy: forge(copy).resigned(copy.owner).restated(copy.owner)

    outside = {"../x": {"sha256": "0" * 64, "bytes": 0}}
    return [
        Forgery(
            "another model, hashed anew", lambda it: it.rehashed("model.txt", b"tree"), "is the signature of release"
        ),
        Forgery("a verdict edited, hashed anew", evidence(reworded), "is the signature of release"),
        Forgery("the same, signed by a forger", lambda it: evidence(reworded)(it).resigned(it.forger), "another key"),
        Forgery(
            "the same, signed by the key's owner, with the old statement",
            lambda it: evidence(reworded)(it).resigned(it.owner),
            "is about release",
        ),
        Forgery(
            "the same, and the old verdicts in a new statement",
            signed(evidence(reworded)),
            "is not the one that was signed",
        ),
        Forgery("a red verdict, signed by the key's owner", signed(evidence(reddened)), "is red:"),
        Forgery(
            "evidence of another schema, signed by the key's owner",
            signed(evidence(lambda content: content.update(schema=2))),
            "The evidence has schema 2",
        ),
        Forgery(
            "a path that leads out", lambda it: it.relisted(lambda files: files.update(outside)), "../x is missing"
        ),
    ]


def _in_the_signature() -> list[Forgery]:
    def beside(change: Callable[[Path], object]) -> _Forge:
        return lambda copy: _done(copy, change(copy.beside(trust.SUFFIX)))

    return [
        Forgery("no signature", beside(Path.unlink), "The release has no signature"),
        Forgery(
            "a signature that is none", beside(lambda file: file.write_text("{}")), "is not a signature of a model"
        ),
        Forgery(
            "a signed digest edited", beside(lambda it: edit(it, b"model.txt", b"model.txx")), ".sig does not verify"
        ),
        Forgery("a signature by another key", lambda it: it.resigned(it.forger), ".sig was made with another key"),
    ]


def _in_the_statement() -> list[Forgery]:
    def beside(change: Callable[[Path], object]) -> _Forge:
        return lambda copy: _done(copy, change(copy.beside(provenance.SUFFIX)))

    def dated(moment: datetime) -> Callable[[dict[str, Any]], object]:
        return lambda said: said["runDetails"]["metadata"].update(slipway_signedOn=f"{moment:%Y-%m-%dT%H:%M:%SZ}")

    def stolen(copy: Copy) -> Copy:
        long_ago = copy.now - 4000 * _DAY
        return copy.restated(copy.owner, dated(long_ago)).ringed(long_ago - _DAY, long_ago + _DAY)

    def lied(said: dict[str, Any]) -> None:
        said["runDetails"].pop("metadata")

    return [
        Forgery("no statement", beside(Path.unlink), ".provenance.json cannot be read"),
        Forgery("a statement that is none", beside(lambda file: file.write_text("{}")), "is not a signed statement"),
        Forgery(
            "the statement edited", beside(lambda it: edit(it, b"true", b"null")), ".provenance.json does not verify"
        ),
        Forgery(
            "a statement by another key", lambda it: it.restated(it.forger), ".provenance.json was made with another"
        ),
        Forgery("a statement that says too little", lambda it: it.restated(it.owner, lied), "does not say all"),
        Forgery("an expired key", lambda it: it.ringed(it.now - 9 * _DAY, it.now - _DAY), "expired on"),
        Forgery(
            "a key that is not in force yet", lambda it: it.ringed(it.now + _DAY, it.now + 9 * _DAY), "is valid from"
        ),
        Forgery("an expired key, dated back into its period", stolen, "it was dated back"),
        Forgery("signed in the future", lambda it: it.restated(it.owner, dated(it.now + _DAY)), "a clock is wrong"),
    ]


def _in_the_scan() -> list[Forgery]:
    def beside(change: Callable[[Path], object]) -> _Forge:
        return lambda copy: _done(copy, change(copy.beside(scan.SUFFIX)))

    found = Advisory("polars", "1.0", "GHSA-planted")
    old = timedelta(days=4000)
    return [
        Forgery("no scan", beside(Path.unlink), "the release was never scanned"),
        Forgery("the scan edited", beside(lambda it: edit(it, b"osv", b"ozv")), ".scan.json does not verify"),
        Forgery(
            "a scan by another key", lambda it: it.rescanned(it.forger, it.now), ".scan.json was made with another key"
        ),
        Forgery("a stale scan", lambda it: it.rescanned(it.owner, it.now - old), "The scan is 4000 days old"),
        Forgery("a scan that found something", lambda it: it.rescanned(it.owner, it.now, found), "has GHSA-planted"),
    ]


_ARCHIVES: Mapping[str, tuple[Callable[[str], bytes], str]] = {
    "an archive with a link": (
        lambda digest: entry(f"{digest}/card.md", kind=tarfile.SYMTYPE, target="/etc/passwd"),
        "no regular file but a symbolic link",
    ),
    "an archive with a path that leads out": (lambda digest: entry(f"{digest}/../../x"), "a path that leads out"),
    "an archive with an absolute path": (lambda digest: entry("/tmp/x"), "a path that leads out"),
    "an archive with a device": (lambda digest: entry(f"{digest}/x", kind=tarfile.CHRTYPE), "but a device"),
    "an archive with a file twice": (lambda digest: entry(f"{digest}/{MANIFEST}"), "twice"),
    "an archive with a file too many": (lambda digest: entry(f"{digest}/x"), "which its manifest does not list"),
    "an archive with a file too long": (
        lambda digest: entry(f"{digest}/model.txt", bytes(99)),
        "bytes; its manifest says",
    ),
}


def _unpacked(name: str, original: Copy, scratch: Path) -> Outcome:
    """Put a forged entry behind the manifest of a real archive, and unpack it."""
    forged, refusal = _ARCHIVES[name]
    content = (original.release / MANIFEST).read_bytes()
    file, to = scratch / "forged.tar", scratch / "unpacked"
    file.write_bytes(
        entry(f"{original.release.name}/{MANIFEST}", content) + forged(original.release.name) + bytes(1024)
    )
    try:
        archive.unpack(file, to, original.trusted.key)
    except SlipwayError as error:
        appeared = [path for path in to.iterdir() if path.name == original.release.name]
        return _outcome(name, refusal, [] if appeared else [error])
    return _outcome(name, refusal, [])
