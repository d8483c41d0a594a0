"""Signing a release, by OpenSSF model signing with a private key; :mod:`slipway.release.trust` checks it."""

from __future__ import annotations

import os
from pathlib import Path

from slipway.errors import UsageError
from slipway.files import replacing
from slipway.release import manifest


def new_keys(private: Path) -> Path:
    """Write a new P-256 private key, readable by its owner only, and its public key beside it, named ``.pub``.

    Returns:
        The public key's file.

    Raises:
        UsageError: when either file exists; a key that signed releases is never overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

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


def sign(folder: Path, private: Path, target: Path) -> None:
    """Verify the release in ``folder`` and write its signature to ``target``.

    Args:
        folder: the release, named by its digest.
        private: PEM file of the elliptic-curve private key (P-256, P-384 or P-521).
        target: the signature's file; outside the release, whose content is sealed.

    Raises:
        ReleaseBroken: when the release does not verify.
        UsageError: when the key is none, or ``target`` lies inside the release.
    """
    from model_signing.hashing import Config as Hashing
    from model_signing.signing import Config

    manifest.verify(folder)
    if target.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{target} lies inside the release, whose content is sealed.", "Write the signature beside it."
        )
    try:
        config = Config().use_elliptic_key_signer(private_key=private)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{private} is not a private key that can sign: {error}", "Make a pair with `slipway keygen`."
        ) from error
    hashing = Hashing().set_ignored_paths(paths=[], ignore_git_paths=False)
    with replacing(target) as staged:
        config.set_hashing_config(hashing).sign(folder.resolve(), staged)
