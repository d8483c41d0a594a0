"""DSSE envelopes: a payload, its type and who signed both, with an elliptic-curve key.

The one implementation here of signing and of checking a signature; :mod:`slipway.release.statement` puts in-toto
statements into such envelopes, and the OpenSSF signature that :mod:`slipway.release.trust` checks holds one too.

Source: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey

_HASHES = {256: "SHA256", 384: "SHA384", 521: "SHA512"}
_CURVES = "P-256, P-384 or P-521"


class ReleaseUntrusted(SlipwayError):
    """No signature of a given key vouches for the release."""

    exit_code = 3


class NoEnvelope(ValueError):
    """What should be an envelope is none; whoever reads it knows the file's name and says so."""


@dataclass(frozen=True)
class Envelope:
    """A payload, its media type, and one signature: of which key (:func:`key_hint`), and its bytes (DER)."""

    kind: str
    payload: bytes
    hint: str
    signature: bytes

    @classmethod
    def read(cls, value: Any) -> Envelope:
        """The envelope in ``value``, as JSON holds it.

        Raises:
            NoEnvelope: when it is none, or not signed exactly once.
        """
        try:
            (signed,) = value["signatures"]
            kind = str(value["payloadType"])
            kind.encode()  # JSON may hold half of a character, which has no bytes to sign
            return cls(
                kind=kind,
                payload=base64.b64decode(value["payload"], validate=True),
                hint=str(signed.get("keyid", "")),
                signature=base64.b64decode(signed["sig"], validate=True),
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NoEnvelope(str(error)) from error

    def as_json(self) -> dict[str, Any]:
        """The envelope as JSON holds it."""
        return {
            "payloadType": self.kind,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [{"keyid": self.hint, "sig": base64.b64encode(self.signature).decode()}],
        }


def sign(payload: bytes, kind: str, private: EllipticCurvePrivateKey) -> Envelope:
    """Sign ``payload``, which is of media type ``kind``."""
    public = private.public_key()
    return Envelope(kind, payload, key_hint(public), private.sign(encoded(kind, payload), _algorithm(public)))


def verifies(envelope: Envelope, public: EllipticCurvePublicKey) -> bool:
    """Whether the owner of ``public`` signed the envelope's payload and type; its hint proves nothing."""
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(envelope.signature, encoded(envelope.kind, envelope.payload), _algorithm(public))
    except InvalidSignature:
        return False
    return True


def encoded(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding (PAE), which is what gets signed."""
    named = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(named), named, len(payload), payload)


def key_hint(key: EllipticCurvePublicKey) -> str:
    """How a signature names the key that made it: sha256 of the public key's PEM, 64 hex digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def public_key(file: Path) -> EllipticCurvePublicKey:
    """Read a public key (PEM).

    Raises:
        ReleaseUntrusted: when it cannot be read or is no key of P-256, P-384 or P-521.
    """
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
        raise ReleaseUntrusted(f"{file} is not a key of {_CURVES}.", remedy)
    return key


def private_key(file: Path) -> EllipticCurvePrivateKey:
    """Read a private key (PEM, without a password).

    Raises:
        UsageError: when it cannot be read or is no key of P-256, P-384 or P-521.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    remedy = "Make a pair with `slipway keygen`."
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{file} is not a private key that can sign: {error}", remedy) from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.key_size not in _HASHES:
        raise UsageError(f"{file} is not a private key that can sign: it is none of {_CURVES}.", remedy)
    return key


def _algorithm(key: EllipticCurvePublicKey) -> ECDSA:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    return ECDSA(getattr(hashes, _HASHES[key.curve.key_size])())
