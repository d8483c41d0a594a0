"""Personal fields leave the server dropped or as tokens, or the server does not start."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.contracts.signature import DROPPED, TOKENISED, Field
from slipway.request_log.personal import Redaction, TokenKeyMissing, tokeniser

KEY = bytes(range(32, 64))
FIELDS = [
    Field("age", "integer"),
    Field("name", "string", logged=DROPPED),
    Field("customer", "integer", nullable=True, logged=TOKENISED),
    Field("speed", "number"),
]


@pytest.fixture
def redaction(tmp_path: Path) -> Redaction:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    return Redaction(FIELDS, key)


def test_a_row_without_personal_fields_is_left_as_it_is() -> None:
    plain = Redaction([FIELDS[0], FIELDS[3]], None)
    given_row = {"age": 3, "speed": 1.5}
    assert plain.row(given_row) is given_row
    assert plain.kinds == "in"


@pytest.mark.parametrize("fields", [[FIELDS[0], FIELDS[3]], [FIELDS[0], FIELDS[1], FIELDS[3]]])
def test_another_order_is_brought_to_that_of_the_signature(fields: list[Field]) -> None:
    redaction = Redaction(fields, None)
    assert list(redaction.row({"speed": 1.5, "name": "Ada", "age": 3})) == ["age", "speed"]
    assert list(redaction.columns({"speed": [1.5], "name": ["Ada"], "age": [3]})) == ["age", "speed"]


def test_a_personal_field_is_dropped_or_a_token(redaction: Redaction) -> None:
    logged = redaction.row({"age": 3, "name": "Ada", "customer": 1815, "speed": 1.5})
    token = hmac.new(KEY, b"customer\x001815", hashlib.sha256).hexdigest()[:32]
    assert logged == {"age": 3, "customer": token, "speed": 1.5}
    assert redaction.kinds == "isn"
    columns = redaction.columns({"age": [3, 4], "name": ["Ada", "Bob"], "customer": [1815, None], "speed": [1.5, 2.0]})
    assert columns == {"age": [3, 4], "customer": [token, None], "speed": [1.5, 2.0]}


@given(st.one_of(st.integers(), st.text(), st.floats(allow_nan=False)), st.one_of(st.integers(), st.text()))
def test_equal_values_have_equal_tokens_and_no_others(one: Any, other: Any) -> None:
    token = tokeniser(KEY, "customer")
    assert token(one) == tokeniser(KEY, "customer")(one)
    assert (token(one) == token(other)) == (one == other and type(one) is type(other))
    assert token(one) != tokeniser(KEY, "client")(one)
    assert token(one) != tokeniser(KEY[::-1], "customer")(one)


@pytest.mark.parametrize("content", [None, b"", b"short\n"])
def test_a_missing_or_short_key_is_refused_with_field_and_remedy(tmp_path: Path, content: bytes | None) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_bytes(content)
    with pytest.raises(TokenKeyMissing, match=r"'customer'.*Mount a secret of at least 32 random bytes"):
        Redaction(FIELDS, key)


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(TokenKeyMissing, match="keeps field 'customer' as a token, and no key is set"):
        Redaction(FIELDS, None)


def test_what_is_only_dropped_needs_no_key() -> None:
    assert Redaction(FIELDS[:2], None).row({"age": 3, "name": "Ada"}) == {"age": 3}
