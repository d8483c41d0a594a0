"""Signed in-toto statements about a release, each in a file beside it.

What a statement says is its predicate; what it is about is the release, named by its model and its digest.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway import project
from slipway.files import canonical_json, write_json
from slipway.release import dsse
from slipway.release.dsse import ReleaseUntrusted
from slipway.release.keyring import Key, choose

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True)
class Statement:
    """A statement whose signature holds.

    Attributes:
        model, release: what it is about; the release's digest has 64 hex digits.
        predicate: what it says.
        key: whose key signed it. Whether that key was in force when it signed is the reader's to ask
            (:func:`slipway.release.keyring.check_period`), for the predicate knows the time.
    """

    model: str
    release: str
    predicate: dict[str, Any]
    key: Key


def beside(folder: Path, model: str, suffix: str) -> Path:
    """The file with ``suffix`` that belongs to a release: beside its folder, or below the monorepo's signatures/."""
    folder = folder.resolve()
    near = folder.with_name(folder.name + suffix)
    home = project.enclosing(Path.cwd())
    if near.exists() or home is None:
        return near
    return home / project.ModelPaths(model).signatures / near.name


def write(target: Path, kind: str, release: tuple[str, str], predicate: dict[str, Any], private: Path) -> None:
    """Sign and write a statement.

    Args:
        target: its file.
        kind: the predicate's type, a URI.
        release: model and digest that it is about.
        predicate: what it says, JSON-ready.
        private: PEM file of the elliptic-curve private key (P-256, P-384 or P-521).

    Raises:
        UsageError: when the key is none that can sign.
    """
    model, digest = release
    content = {
        "_type": TYPE,
        "subject": [{"name": model, "digest": {"sha256": digest}}],
        "predicateType": kind,
        "predicate": predicate,
    }
    envelope = dsse.sign(canonical_json(content), PAYLOAD_TYPE, dsse.private_key(private))
    write_json(target, envelope.as_json())


def read(file: Path, kind: str, release: str, keys: Iterable[Key]) -> Statement:
    """Read a statement about ``release`` and check its signature.

    Args:
        file: where :func:`write` put it.
        kind: the type that its predicate must have.
        release: the digest that it must be about.
        keys: those trusted, from :func:`slipway.release.keyring.load`.

    Raises:
        ReleaseUntrusted: naming what does not hold: no such file, no statement, a key unknown, a signature that
            does not verify, another kind of statement, or one about another release.
    """
    envelope = _envelope(file)
    key = choose(keys, envelope.hint, file)
    if not dsse.verifies(envelope, key.public):
        raise ReleaseUntrusted(
            f"{file} does not verify with {key.file}: it was changed after signing.", "Fetch or make it again."
        )
    model, digest, predicate = _content(envelope, kind, file)
    if digest != release:
        raise ReleaseUntrusted(f"{file} is about release {digest}, not {release}.", "Name this release's own.")
    return Statement(model, digest, predicate, key)


def _envelope(file: Path) -> dsse.Envelope:
    try:
        return dsse.Envelope.read(json.loads(file.read_bytes()))
    except OSError as error:
        raise ReleaseUntrusted(
            f"{file} cannot be read ({error.strerror}).",
            "`slipway sign` writes a release's provenance, `slipway scan` its scan; fetch or make it.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise ReleaseUntrusted(f"{file} is not a signed statement.", "Fetch or make it again.") from error


def _content(envelope: dsse.Envelope, kind: str, file: Path) -> tuple[str, str, dict[str, Any]]:
    try:
        content = json.loads(envelope.payload)
        (subject,) = content["subject"]
        told = (envelope.kind, content["_type"], content["predicateType"])
        found = str(subject["name"]), str(subject["digest"]["sha256"]), dict(content["predicate"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ReleaseUntrusted(f"{file} signs something else than a statement.", "Fetch or make it again.") from error
    if told != (PAYLOAD_TYPE, TYPE, kind):
        raise ReleaseUntrusted(f"{file} is a statement of another kind: {told[2]}, not {kind}.", "Name the right file.")
    return found
