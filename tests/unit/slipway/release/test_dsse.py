"""Envelopes against the specification's own vector, and what must not verify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from slipway.errors import UsageError
from slipway.release import dsse
from slipway.release.dsse import Envelope, NoEnvelope

CURVES = [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1]
# https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md#test-vectors
VECTOR_KEY = ec.EllipticCurvePublicNumbers(
    46950820868899156662930047687818585632848591499744589407958293238635476079160,
    5640078356564379163099075877009565129882514886557779369047442380624545832820,
    ec.SECP256R1(),
).public_key()
VECTOR = {
    "payload": "aGVsbG8gd29ybGQ=",
    "payloadType": "http://example.com/HelloWorld",
    "signatures": [
        {
            "keyid": "66301bbf",
            "sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==",
        }
    ],
}


def test_encoding_is_that_of_the_specification() -> None:
    envelope = Envelope.read(VECTOR)
    assert envelope.hint == "66301bbf"
    said = dsse.encoded(envelope.kind, envelope.payload)
    assert said == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_specification_s_signature_verifies() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    envelope = Envelope.read(VECTOR)
    # The vector has r and s side by side; Sigstore, and this code, write them as DER.
    r, s = (int.from_bytes(half) for half in (envelope.signature[:32], envelope.signature[32:]))
    assert dsse.verifies(replace(envelope, signature=encode_dss_signature(r, s)), VECTOR_KEY)
    assert not dsse.verifies(envelope, VECTOR_KEY)


@pytest.mark.parametrize("curve", CURVES)
def test_what_one_key_signed_verifies_with_it_alone(curve: type[ec.EllipticCurve]) -> None:
    key, other = (ec.generate_private_key(curve()) for _ in range(2))
    envelope = Envelope.read(dsse.sign(b"said", "text/plain", key).as_json())
    assert envelope.hint == dsse.key_hint(key.public_key())
    assert dsse.verifies(envelope, key.public_key())
    assert not dsse.verifies(envelope, other.public_key())
    assert not dsse.verifies(replace(envelope, payload=b"sald"), key.public_key())
    assert not dsse.verifies(replace(envelope, kind="text/plait"), key.public_key())
    assert not dsse.verifies(replace(envelope, signature=envelope.signature[:-1]), key.public_key())
    assert dsse.verifies(replace(envelope, hint="another"), key.public_key()), "a hint proves nothing, either way"


@pytest.mark.parametrize(
    "change",
    [
        {"signatures": []},
        {"signatures": VECTOR["signatures"] * 2},
        {"signatures": ["x"]},
        {"signatures": None},
        {"payload": "not base64!"},
        {"payload": 1},
        {"payloadType": "\ud800"},
    ],
)
def test_what_is_no_envelope(change: dict[str, object]) -> None:
    with pytest.raises(NoEnvelope):
        Envelope.read(VECTOR | change)
    for value in ([], None, "text", {}):
        with pytest.raises(NoEnvelope):
            Envelope.read(value)


def test_keys_that_cannot_sign(tmp_path: Path) -> None:
    pkcs8 = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "rsa").write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(*pkcs8))
    (tmp_path / "small").write_bytes(ec.generate_private_key(ec.SECP224R1()).private_bytes(*pkcs8))
    for name in ("rsa", "small", "none"):
        with pytest.raises(UsageError, match=f"{name} is not a private key that can sign"):
            dsse.private_key(tmp_path / name)
