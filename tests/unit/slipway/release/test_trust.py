"""Who signed a release, and that each thing that can be wrong with a signature is refused by its own name."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from model_signing.hashing import Config as Hashing
from model_signing.verifying import Config

from slipway.errors import UsageError
from slipway.release import manifest, signing, trust
from slipway.release.manifest import ReleaseBroken
from slipway.release.trust import ReleaseUntrusted

Bundle = dict[str, Any]


def _release(parent: Path, text: str = "trees") -> Path:
    folder = parent / "unnamed"
    (folder / "model").mkdir(parents=True)
    (folder / "model.txt").write_text(text)
    (folder / "model" / "features.py").write_text("# features")
    (folder / ".gitattributes").write_text("signed too")
    return folder.rename(parent / manifest.write(folder, "flight_delay"))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return _release(tmp_path / "releases")


@pytest.fixture
def public(private: Path) -> Path:
    return private.with_name("key.pem.pub")


@pytest.fixture
def signature(release: Path, private: Path) -> Path:
    target = release.with_name(release.name + ".sig")
    signing.sign(release, private, target)
    return target


def _resigned(signature: Path, private: Path, change: Callable[[Bundle], object], kind: str = "") -> None:
    """Change the signed statement and sign it again, as only the key's owner can."""
    bundle = json.loads(signature.read_bytes())
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    envelope["payloadType"] = kind or envelope["payloadType"]
    payload, named = json.dumps(statement).encode(), envelope["payloadType"].encode()
    key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = key.sign(b"DSSEv1 %d %b %d %b" % (len(named), named, len(payload), payload), ec.ECDSA(SHA256()))
    envelope["payload"] = base64.b64encode(payload).decode()
    envelope["signatures"] = [{"sig": base64.b64encode(signed).decode()}]
    signature.write_text(json.dumps(bundle))


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_a_signed_release_is_trusted(release: Path, tmp_path: Path, curve: type[ec.EllipticCurve]) -> None:
    key = ec.generate_private_key(curve())
    (tmp_path / "k").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "k.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    signing.sign(release, tmp_path / "k", tmp_path / "sig")
    found = trust.verify(release, tmp_path / "k.pub", tmp_path / "sig")
    assert found == manifest.verify(release)


def test_the_signature_is_what_openssf_model_signing_verifies(release: Path, signature: Path, public: Path) -> None:
    hashing = Hashing().set_ignored_paths(paths=[], ignore_git_paths=False)
    verifier = Config().use_elliptic_key_verifier(public_key=public).set_hashing_config(hashing)
    verifier.verify(release, signature)
    (release / "model.txt").write_text("other")
    with pytest.raises(ValueError, match=r"model\.txt"):
        verifier.verify(release, signature)


def test_one_changed_byte_in_the_release(release: Path, signature: Path, public: Path) -> None:
    (release / "model.txt").write_text("treez")
    with pytest.raises(ReleaseBroken, match=r"model\.txt has sha256"):
        trust.verify(release, public, signature)


def test_a_consistent_release_of_somebody_else(tmp_path: Path, signature: Path, public: Path) -> None:
    forged = _release(tmp_path / "forged", "evil trees")
    manifest.verify(forged)
    with pytest.raises(ReleaseUntrusted, match=f"is the signature of release [0-9a-f]{{64}}, not of {forged.name}"):
        trust.verify(forged, public, signature)


def test_another_key(release: Path, signature: Path, tmp_path: Path) -> None:
    other = signing.new_keys(tmp_path / "other.pem")
    with pytest.raises(ReleaseUntrusted, match="was made with another key than"):
        trust.verify(release, other, signature)


def test_another_key_that_takes_the_hint_of_the_right_one(
    release: Path, signature: Path, public: Path, tmp_path: Path
) -> None:
    signing.new_keys(tmp_path / "other.pem")
    _resigned(signature, tmp_path / "other.pem", lambda statement: None)
    with pytest.raises(ReleaseUntrusted, match="does not verify with"):
        trust.verify(release, public, signature)


def test_a_changed_statement(release: Path, signature: Path, public: Path) -> None:
    bundle = json.loads(signature.read_bytes())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"model.txt", b"model.zzz")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    signature.write_text(json.dumps(bundle))
    with pytest.raises(ReleaseUntrusted, match=r"does not verify with .* changed after signing"):
        trust.verify(release, public, signature)


def test_a_missing_signature(release: Path, public: Path) -> None:
    with pytest.raises(ReleaseUntrusted, match="has no signature") as caught:
        trust.verify(release, public, release.with_name("none.sig"))
    assert "slipway sign" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"verificationMaterial": {"publicKey": null}}'])
def test_a_file_that_is_no_signature(release: Path, signature: Path, public: Path, content: bytes) -> None:
    signature.write_bytes(content)
    with pytest.raises(ReleaseUntrusted, match="is not a signature"):
        trust.verify(release, public, signature)


def _drop(statement: Bundle) -> None:
    del statement["predicate"]["resources"][0]


def _add(statement: Bundle) -> None:
    statement["predicate"]["resources"].append({"name": "more.py", "algorithm": "sha256", "digest": "00"})


def _alter(statement: Bundle) -> None:
    statement["predicate"]["resources"][-1]["digest"] = "00"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop, "is in the release but not signed"),
        (_add, r"more\.py is signed but not in the release"),
        (_alter, "but 00 was signed"),
        (lambda statement: statement.update(predicateType="https://slsa.dev/provenance/v1"), "something else"),
        (lambda statement: statement.update(subject=[]), "something else"),
        (lambda statement: statement["predicate"].clear(), "something else"),
    ],
)
def test_a_statement_of_the_right_key_that_does_not_fit(
    release: Path, signature: Path, private: Path, public: Path, change: Callable[[Bundle], object], said: str
) -> None:
    _resigned(signature, private, change)
    with pytest.raises(ReleaseUntrusted, match=said):
        trust.verify(release, public, signature)


def test_a_payload_of_another_type(release: Path, signature: Path, private: Path, public: Path) -> None:
    _resigned(signature, private, lambda statement: None, kind="text/plain")
    with pytest.raises(ReleaseUntrusted, match="something else"):
        trust.verify(release, public, signature)


def test_keys_that_are_none(release: Path, signature: Path, private: Path, tmp_path: Path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa").write_bytes(rsa_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for key, said in (
        (tmp_path / "none", "cannot be read"),
        (private, "is not a PEM public key"),
        (tmp_path / "rsa", "is not a key of P-256"),
    ):
        with pytest.raises(ReleaseUntrusted, match=said) as caught:
            trust.verify(release, key, signature)
        assert "slipway keygen" in caught.value.remedy


def test_a_signature_without_a_key_is_refused(release: Path, signature: Path) -> None:
    with pytest.raises(UsageError, match="no key to check it with"):
        trust.verify(release, None, signature)


def test_where_a_signature_is_looked_for(
    release: Path, signature: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trust.signature_of(release, "flight_delay") == signature
    moved = tmp_path / "moved"
    shutil.move(signature, moved)
    kept = Path("signatures/flight_delay") / signature.name
    assert trust.signature_of(release, "flight_delay") == kept.absolute()
    monkeypatch.chdir(tmp_path)
    assert trust.signature_of(release, "flight_delay") == signature


def test_a_private_key_is_its_owner_s(private: Path) -> None:
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_a_server_trusts_a_ring_of_keys_whatever_their_periods(
    release: Path, signature: Path, public: Path, tmp_path: Path
) -> None:
    """This signature tells no time, and a restart must not fail because a year is over."""
    ring = tmp_path / "ring"
    ring.mkdir()
    shutil.copy(public, ring / "old.pem.pub")
    signing.new_keys(tmp_path / "new.pem").rename(ring / "new.pem.pub")
    expired = "{file: old.pem.pub, not_after: 2020-01-01T00:00:00Z}"
    (ring / "keys.yaml").write_text(f"keys: [{{file: new.pem.pub}}, {expired}]")
    assert trust.verify(release, ring, signature) == manifest.verify(release)
    (ring / "keys.yaml").write_text("keys: [{file: new.pem.pub}]")
    with pytest.raises(ReleaseUntrusted, match=r"was made with another key than .*new\.pem\.pub"):
        trust.verify(release, ring, signature)
    (ring / "keys.yaml").write_text("keys: []")
    with pytest.raises(ReleaseUntrusted, match="none is trusted"):
        trust.verify(release, ring, signature)
