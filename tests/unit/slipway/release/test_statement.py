"""Signed statements: what is read is what was signed, by a trusted key, about this release."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway.release import dsse, keyring, signing, statement
from slipway.release.dsse import ReleaseUntrusted

KIND, OTHER_KIND = "urn:test:said", "urn:test:other"
DIGEST = "5" * 64


@pytest.fixture
def file(private: Path, tmp_path: Path) -> Path:
    target = tmp_path / "said.json"
    statement.write(target, KIND, ("flight_delay", DIGEST), {"answer": 42}, private)
    return target


def test_what_was_signed_is_read(file: Path, keys: tuple[keyring.Key, ...]) -> None:
    found = statement.read(file, KIND, DIGEST, keys)
    assert (found.model, found.release, found.predicate, found.key) == ("flight_delay", DIGEST, {"answer": 42}, keys[0])


def test_about_another_release(file: Path, keys: tuple[keyring.Key, ...]) -> None:
    with pytest.raises(ReleaseUntrusted, match=f"is about release {DIGEST}, not {'6' * 64}"):
        statement.read(file, KIND, "6" * 64, keys)


def test_of_another_kind(file: Path, keys: tuple[keyring.Key, ...]) -> None:
    with pytest.raises(ReleaseUntrusted, match="of another kind: urn:test:said, not urn:test:other"):
        statement.read(file, OTHER_KIND, DIGEST, keys)


def test_of_an_unknown_key(file: Path, tmp_path: Path) -> None:
    other = keyring.load(signing.new_keys(tmp_path / "other.pem"))
    with pytest.raises(ReleaseUntrusted, match=r"was made with another key than .*other\.pem\.pub"):
        statement.read(file, KIND, DIGEST, other)
    with pytest.raises(ReleaseUntrusted, match="none is trusted"):
        statement.read(file, KIND, DIGEST, ())


def test_edited(file: Path, keys: tuple[keyring.Key, ...]) -> None:
    envelope = json.loads(file.read_bytes())
    payload = base64.b64decode(envelope["payload"]).replace(b"42", b"43")
    file.write_text(json.dumps(envelope | {"payload": base64.b64encode(payload).decode()}))
    with pytest.raises(ReleaseUntrusted, match=r"does not verify with .* changed after signing"):
        statement.read(file, KIND, DIGEST, keys)


def test_missing(tmp_path: Path, keys: tuple[keyring.Key, ...]) -> None:
    with pytest.raises(ReleaseUntrusted, match=r"none\.json cannot be read \(No such file"):
        statement.read(tmp_path / "none.json", KIND, DIGEST, keys)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_no_statement_at_all(file: Path, keys: tuple[keyring.Key, ...], content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ReleaseUntrusted, match="is not a signed statement"):
        statement.read(file, KIND, DIGEST, keys)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(subject=[]),
        lambda content: content.update(subject=content["subject"] * 2),
        lambda content: content.update(predicate="42"),
        lambda content: content.clear(),
    ],
)
def test_signed_but_no_statement(
    file: Path, private: Path, keys: tuple[keyring.Key, ...], change: Callable[[dict[str, Any]], object]
) -> None:
    content = json.loads(base64.b64decode(json.loads(file.read_bytes())["payload"]))
    change(content)
    signed = dsse.sign(json.dumps(content).encode(), statement.PAYLOAD_TYPE, dsse.private_key(private))
    file.write_text(json.dumps(signed.as_json()))
    with pytest.raises(ReleaseUntrusted, match="signs something else than a statement"):
        statement.read(file, KIND, DIGEST, keys)
