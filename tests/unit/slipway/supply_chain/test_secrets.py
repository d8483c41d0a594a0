"""Secrets: found wherever they stand; what Slipway writes gives no false alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.supply_chain import secrets

DIGEST = "9c3f1e77a5b02d48" * 2 + "1f6e0ba4d2c93857" * 2
AMAZON_KEY = "AKIA" + "IOSFODNN7ABCDEFG"


def found(tmp_path: Path, text: str, name: str = "file.json") -> list[tuple[int, str]]:
    file = tmp_path / name
    file.write_text(text)
    return [(secret.line, secret.kind) for secret in secrets.secrets({name: file})]


@pytest.mark.parametrize("key", ["sha256", "content", "model.txt", "features", "sbom.json", "params"])
def test_a_digest_under_a_digest_s_key_is_none(tmp_path: Path, key: str) -> None:
    assert found(tmp_path, f'{{\n "{key}": "{DIGEST}",\n "x": 1}}\n') == []


@pytest.mark.parametrize(
    "line",
    [f'"token": "{DIGEST}"', f'"sha256": "{DIGEST}", "key": "{DIGEST[::-1]}"', f'"sha256": "{DIGEST[:40]}"'],
    ids=["another key", "not alone", "not a sha256"],
)
def test_any_other_random_string_is_one(tmp_path: Path, line: str) -> None:
    assert (2, "Hex High Entropy String") in found(tmp_path, f"{{\n {line}\n}}\n")


def test_a_line_number_is_that_of_the_file(tmp_path: Path) -> None:
    lines = ["threshold=1.5 2.5e-3 -7", "same", "same", "same", f"x {AMAZON_KEY}", "same"]
    assert found(tmp_path, "\n".join(lines), "model.txt") == [(5, "AWS Access Key")]


def test_only_what_is_a_measurement_is_left_out() -> None:
    short = secrets._shortened
    assert list(short(["a=1 2 3.5 -4e-05", "[1, 2, 3]", "feature_infos=[0:9] [1:2]", '"gain": 0.25,', "x=1e-35"])) == [
        "a=", "[]", "feature_infos=[] []", '"gain": ,', "x=",
    ]  # fmt: skip
    for line in ('"password": 12345678', "v4", "10.0.0.1 8.8.8.8", '"1 2"', "a1 2b"):
        assert "1" in next(short([line])) or "4" in next(short([line]))


def test_the_detectors_are_all_there_is() -> None:
    used = {plugin["name"] for plugin in secrets._settings(frozenset())["plugins_used"]}
    assert {"PrivateKeyDetector", "HexHighEntropyString", "KeywordDetector", "JwtTokenDetector"} <= used
    assert len(used) > 20


@pytest.mark.parametrize("content", [b"0", b"\x30\x03\x02\x01\x05", b'{"kty": "EC", "x": "AAAA"}', b"{"])
def test_what_is_no_private_key(content: bytes) -> None:
    assert secrets.private_keys(content) == []


def test_a_key_after_others_is_told_by_its_line() -> None:
    head = b"-----BEGIN PRIVATE" + b" KEY-----\n"
    assert secrets.private_keys(b"a\n" + head + b"b\n" + head) == [2, 4]
