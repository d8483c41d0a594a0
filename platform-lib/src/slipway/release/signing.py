"""Keys, and signing a release with one by OpenSSF model signing; :mod:`slipway.release.trust` checks it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from slipway import project
from slipway.errors import UsageError
from slipway.files import replacing
from slipway.release import dsse, keyring, manifest

# Public keys and their periods, as the monorepo keeps them.
KEYRING = Path("gitops/keys")


def new_keys(private: Path) -> Path:
    """Write a new P-256 private key, readable by its owner only, and its public key beside it, named ``.pub``.

    Returns:
        The public key's file.

    Raises:
        UsageError: when either file exists, for a key that signed releases is never overwritten; or when the private
            one would lie inside a monorepo, from where it might be committed.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    refuse_inside_monorepo(private)
    public = private.with_name(private.name + ".pub")
    for file in (private, public):
        if file.exists():
            raise UsageError(f"{file} exists; a key that may have signed releases is not overwritten.", "Name another.")
    key = ec.generate_private_key(ec.SECP256R1())
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return public


def _write(file: Path, content: bytes, mode: int) -> None:
    with replacing(file) as staged:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)


def refuse_inside_monorepo(private: Path) -> None:
    """Raise UsageError if a private key at ``private`` would lie inside a monorepo: it might be committed."""
    folder = project.enclosing(private.resolve().parent)
    if folder is not None:
        raise UsageError(
            f"The private key {private} lies inside the monorepo {folder}, where it might be committed.",
            "Keep it outside: `slipway keygen` without a file's name puts it into your configuration folder.",
        )


def development_key() -> Path:
    """The private key of this user for development: in the user's configuration folder, made on first use."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    private = Path(configuration) / "slipway" / "development.pem"
    if not private.exists():
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new_keys(private)
    return private


def refuse_expired(private: Path, now: datetime) -> None:
    """Raise if the monorepo's keyring says that ``private`` is not in force at ``now``; a key that it lacks may sign.

    Raises:
        ReleaseUntrusted: naming the key's period.
        UsageError: when the key is none that can sign, or the keyring is none.
    """
    hint = dsse.key_hint(dsse.private_key(private).public_key())
    home = project.enclosing(Path.cwd())
    for key in keyring.load(home / KEYRING) if home is not None and (home / KEYRING).is_dir() else ():
        if key.hint == hint:
            keyring.check_period(key, now, "a release")


def sign(folder: Path, private: Path, target: Path) -> None:
    """Verify the release in ``folder`` and write its signature to ``target``.

    Args:
        folder: the release, named by its digest.
        private: PEM file of the elliptic-curve private key (P-256, P-384 or P-521).
        target: the signature's file; outside the release, whose content is sealed.

    Raises:
        ReleaseBroken: when the release does not verify.
        UsageError: when the key is none or lies inside a monorepo, or ``target`` lies inside the release.
    """
    from model_signing.hashing import Config as Hashing
    from model_signing.signing import Config

    refuse_inside_monorepo(private)
    manifest.verify(folder)
    if target.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{target} lies inside the release, whose content is sealed.", "Write the signature beside it."
        )
    dsse.private_key(private)
    config = Config().use_elliptic_key_signer(private_key=private)
    hashing = Hashing().set_ignored_paths(paths=[], ignore_git_paths=False)
    with replacing(target) as staged:
        config.set_hashing_config(hashing).sign(folder.resolve(), staged)
