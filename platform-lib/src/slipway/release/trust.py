"""Is a release signed by whom we trust? Checked with a public key alone, in a few milliseconds.

The signature is an OpenSSF model signature (https://github.com/sigstore/model-transparency): a Sigstore bundle that
holds a DSSE envelope (:mod:`slipway.release.dsse`) around an in-toto statement, which lists the sha256 of each file.
:mod:`slipway.release.signing` makes it. What serves a model checks it here instead of by that library, whose imports
take longer than a server's whole start.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway.errors import UsageError
from slipway.files import sha256_file
from slipway.release import dsse, keyring
from slipway.release import manifest as contents
from slipway.release import statement as statements
from slipway.release.dsse import Envelope, ReleaseUntrusted
from slipway.release.keyring import Key
from slipway.release.manifest import MANIFEST

SUFFIX = ".sig"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"


def verify(folder: Path, key: Path | None, signature: Path | None) -> dict[str, Any]:
    """Verify the release in ``folder``: its files, its name and, if a key is given, its signature.

    Args:
        folder: the release, named by its digest.
        key: see :func:`check`.
        signature: the signature's file; None for :func:`signature_of`.

    Returns:
        Its manifest.

    Raises:
        ReleaseBroken, ReleaseUntrusted: when it does not verify.
        UsageError: for a signature without a key, which would prove nothing.
    """
    manifest = contents.verify(folder)
    if key is not None:
        check(folder, manifest, signature or signature_of(folder, manifest["model"]), key)
    elif signature is not None:
        raise UsageError("A signature is given, and no key to check it with.", "Name the public key with --key.")
    return manifest


def signature_of(folder: Path, model: str) -> Path:
    """Where the signature of a release is looked for: beside its folder, or below the monorepo's signatures/."""
    return statements.beside(folder, model, SUFFIX)


def check(folder: Path, manifest: dict[str, Any], signature: Path, key: Path) -> str:
    """Check that the owner of ``key`` signed exactly the release in ``folder``.

    Args:
        folder: the release, verified against ``manifest`` and named by its digest.
        manifest: what :func:`slipway.release.manifest.verify` returned.
        signature: the release's signature file.
        key: PEM file of an elliptic-curve public key (P-256, P-384 or P-521), or a folder of such keys
            (:mod:`slipway.release.keyring`). This signature tells no time, so a key's period is not asked for here.

    Returns:
        The digest that the signature names.

    Raises:
        ReleaseUntrusted: naming what does not hold.
    """
    envelope = _envelope(signature, keyring.load(key))
    held = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    held[MANIFEST] = sha256_file(folder / MANIFEST)
    signed = _statement(envelope, signature)
    _check_statement(signed, folder, held, signature)
    return signed[0]


def _envelope(signature: Path, keys: tuple[Key, ...]) -> Envelope:
    """The bundle's envelope, whose signature holds."""
    try:
        bundle = json.loads(signature.read_bytes())
        hint = str(bundle["verificationMaterial"]["publicKey"]["hint"])
        envelope = Envelope.read(bundle["dsseEnvelope"])
    except OSError as error:
        raise ReleaseUntrusted(
            f"The release has no signature: {signature} cannot be read ({error.strerror}).",
            "Sign it with `slipway sign`, or name its signature with --signature.",
        ) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ReleaseUntrusted(
            f"{signature} is not a signature of a model signed with a key.", "Sign the release again: `slipway sign`."
        ) from error
    key = keyring.choose(keys, hint, signature)
    if not dsse.verifies(envelope, key.public):
        raise ReleaseUntrusted(
            f"{signature} does not verify with {key.file}: it was changed after signing.",
            "Fetch the signature again, or sign the release anew: `slipway sign`.",
        )
    return envelope


def _statement(envelope: Envelope, signature: Path) -> tuple[str, dict[str, str]]:
    """The name and the files (name to hex sha256) that the signature speaks of."""
    try:
        statement = json.loads(envelope.payload)
        kinds = (envelope.kind, statement["_type"], statement["predicateType"])
        if kinds == (statements.PAYLOAD_TYPE, statements.TYPE, PREDICATE_TYPE):
            (subject,) = statement["subject"]
            resources = statement["predicate"]["resources"]
            return subject["name"], {entry["name"]: entry["digest"] for entry in resources}
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise ReleaseUntrusted(f"{signature} signs something else than a model.", "Sign the release with `slipway sign`.")


def _check_statement(signed: tuple[str, dict[str, str]], folder: Path, held: dict[str, str], signature: Path) -> None:
    digest = folder.resolve().name
    name, files = signed
    if name != digest:
        raise ReleaseUntrusted(
            f"{signature} is the signature of release {name}, not of {digest}.", "Name this release's own signature."
        )
    for file in sorted(files.keys() ^ held.keys()):
        where = "is signed but not in the release" if file in files else "is in the release but not signed"
        raise ReleaseUntrusted(f"{file} {where}, says {signature}.", "Fetch release and signature again.")
    for file in sorted(file for file in held if held[file] != files[file]):
        raise ReleaseUntrusted(
            f"{folder / file} has sha256 {held[file]}, but {files[file]} was signed, says {signature}.",
            "Fetch release and signature again.",
        )
