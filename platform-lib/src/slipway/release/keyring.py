"""Whom we trust: one public key, or a folder of them with the period in which each may sign.

A folder holds ``keys.yaml``, which names each key's file and its period; an end may be left open:

    keys:
      - file: 2026.pem.pub
        not_before: 2026-01-01T00:00:00Z
        not_after: 2027-01-01T00:00:00Z

An old release verifies for ever by the key that was in force when it was signed. A key that is taken out of the
file is trusted for nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import UsageError
from slipway.files import read_yaml
from slipway.release import dsse
from slipway.release.dsse import ReleaseUntrusted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

LISTING = "keys.yaml"
_FIELDS = {"file", "not_before", "not_after"}


@dataclass(frozen=True)
class Key:
    """A trusted public key: its file, itself, its hint, and the period in which it may sign (None: no end)."""

    file: Path
    public: EllipticCurvePublicKey
    hint: str
    not_before: datetime | None = None
    not_after: datetime | None = None


def load(path: Path) -> tuple[Key, ...]:
    """The keys of a PEM file, which has no period, or of a folder with ``keys.yaml``.

    Raises:
        ReleaseUntrusted: when a key cannot be read or is none.
        UsageError: when the listing is not what it must be.
    """
    if not path.is_dir():
        return (_key(path),)
    listing = path / LISTING
    content = read_yaml(listing)
    entries = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise UsageError(
            f"{listing} does not list keys, each with `file` and the times `not_before` and `not_after`.",
            "Write times as 2026-01-01T00:00:00Z, and leave out an end that is open.",
        )
    return tuple(
        _key(path / entry["file"], _utc(entry.get("not_before")), _utc(entry.get("not_after"))) for entry in entries
    )


def choose(keys: Iterable[Key], hint: str, signed: Path) -> Key:
    """The key that ``hint`` names, which the file ``signed`` claims to be signed with.

    Raises:
        ReleaseUntrusted: when it is none of them.
    """
    trusted = list(keys)
    for key in trusted:
        if key.hint == hint:
            return key
    names = ", ".join(str(key.file) for key in trusted) or "any: none is trusted"
    raise ReleaseUntrusted(
        f"{signed} was made with another key than {names}.", "Name the public key of who signed the release."
    )


def check_period(key: Key, moment: datetime, signed: str) -> None:
    """Refuse what ``key`` signed at ``moment`` if it was not in force then; ``signed`` says what, for the message.

    Raises:
        ReleaseUntrusted: naming the key, its end and the moment.
    """
    remedy = "Sign the release with a key that is in force: see docs/guides/keys.md."
    if key.not_before is not None and moment < key.not_before:
        raise ReleaseUntrusted(
            f"{key.file} is valid from {_said(key.not_before)} and signed {signed} on {_said(moment)}.", remedy
        )
    if key.not_after is not None and moment >= key.not_after:
        raise ReleaseUntrusted(
            f"{key.file} expired on {_said(key.not_after)} and signed {signed} on {_said(moment)}.", remedy
        )


def _key(file: Path, not_before: datetime | None = None, not_after: datetime | None = None) -> Key:
    public = dsse.public_key(file)
    return Key(file, public, dsse.key_hint(public), not_before, not_after)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() <= _FIELDS
        and isinstance(entry.get("file"), str)
        and "/" not in entry["file"]
        and all(isinstance(entry.get(end), datetime | None) for end in ("not_before", "not_after"))
    )


def _utc(moment: datetime | None) -> datetime | None:
    # A time without a zone is taken for UTC.
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
