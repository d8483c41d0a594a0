"""Is a release signed by whom we trust? Checked with a public key alone, in a few milliseconds.

The signature is an OpenSSF model signature (https://github.com/sigstore/model-transparency): a Sigstore bundle that
holds a DSSE envelope around an in-toto statement, which lists the sha256 of each file. :mod:`slipway.release.signing`
makes it. What serves a model checks it here instead of by that library, whose imports take longer than a server's
whole start.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import project
from slipway.errors import SlipwayError, UsageError
from slipway.files import sha256_file
from slipway.release import manifest as contents
from slipway.release.manifest import MANIFEST

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SUFFIX = ".sig"
PAYLOAD_TYPE = b"application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_HASHES = {256: "SHA256", 384: "SHA384", 521: "SHA512"}


class ReleaseUntrusted(SlipwayError):
    """No signature of the given key vouches for the release."""

    exit_code = 3


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
    folder = folder.resolve()
    beside = folder.with_name(folder.name + SUFFIX)
    try:
        kept = project.root() / project.ModelPaths(model).signatures / beside.name
    except UsageError:
        return beside
    return beside if beside.exists() else kept


def check(folder: Path, manifest: dict[str, Any], signature: Path, key: Path) -> None:
    """Check that the owner of ``key`` signed exactly the release in ``folder``.

    Args:
        folder: the release, verified against ``manifest`` and named by its digest.
        manifest: what :func:`slipway.release.manifest.verify` returned.
        signature: the release's signature file.
        key: PEM file of an elliptic-curve public key (P-256, P-384 or P-521).

    Raises:
        ReleaseUntrusted: naming what does not hold.
    """
    public = _public_key(key)
    envelope = _envelope(signature, public, key)
    _check_signature(envelope, public, signature, key)
    held = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    held[MANIFEST] = sha256_file(folder / MANIFEST)
    _check_statement(_statement(envelope, signature), folder, held, signature)


def _public_key(file: Path) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    remedy = "Name the PEM file of the public key that signs your releases (`slipway keygen` makes a pair)."
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise ReleaseUntrusted(f"The key {file} cannot be read: {error.strerror}.", remedy) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ReleaseUntrusted(f"{file} is not a PEM public key: {error}", remedy) from error
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.key_size not in _HASHES:
        raise ReleaseUntrusted(f"{file} is not a key of P-256, P-384 or P-521.", remedy)
    return key


def key_hint(key: EllipticCurvePublicKey) -> str:
    """How a signature names the key that made it: sha256 of the public key's PEM, 64 hex digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _envelope(signature: Path, public: EllipticCurvePublicKey, key: Path) -> dict[str, Any]:
    try:
        bundle = json.loads(signature.read_bytes())
        hint = bundle["verificationMaterial"]["publicKey"]["hint"]
        envelope = bundle["dsseEnvelope"]
        parts = {
            "type": str(envelope["payloadType"]).encode(),
            "payload": base64.b64decode(envelope["payload"], validate=True),
            "signature": base64.b64decode(envelope["signatures"][0]["sig"], validate=True),
        }
    except OSError as error:
        raise ReleaseUntrusted(
            f"The release has no signature: {signature} cannot be read ({error.strerror}).",
            "Sign it with `slipway sign`, or name its signature with --signature.",
        ) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ReleaseUntrusted(
            f"{signature} is not a signature of a model signed with a key.", "Sign the release again: `slipway sign`."
        ) from error
    if hint != key_hint(public):
        raise ReleaseUntrusted(
            f"{signature} was made with another key than {key}.", "Name the public key of who signed the release."
        )
    return parts


def _check_signature(envelope: dict[str, Any], public: EllipticCurvePublicKey, signature: Path, key: Path) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    kind, payload = envelope["type"], envelope["payload"]
    # DSSE's pre-authentication encoding, https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    try:
        public.verify(envelope["signature"], signed, ECDSA(getattr(hashes, _HASHES[public.curve.key_size])()))
    except InvalidSignature as error:
        raise ReleaseUntrusted(
            f"{signature} does not verify with {key}: it was changed after signing.",
            "Fetch the signature again, or sign the release anew: `slipway sign`.",
        ) from error


def _statement(envelope: dict[str, Any], signature: Path) -> tuple[str, dict[str, str]]:
    """The name and the files (name to hex sha256) that the signature speaks of."""
    try:
        statement = json.loads(envelope["payload"])
        kinds = (envelope["type"], statement["_type"], statement["predicateType"])
        if kinds == (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
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
