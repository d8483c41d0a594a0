"""Personal fields of a request: dropped or tokenised before anything is encoded."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from slipway.contracts.signature import DROPPED, TOKENISED, Field
from slipway.errors import EnvironmentFault

SHORTEST_KEY = 32
_TOKEN_BYTES = 16
_KINDS = {"integer": "i", "number": "n", "string": "s"}

Columns = dict[str, list[Any]]


class TokenKeyMissing(EnvironmentFault):
    """A field is logged as a token, and there is no key to make tokens with."""


class Redaction:
    """What of a request is logged, and how.

    Attributes:
        kinds: one letter for each logged field, in the order of the signature: i(nteger), n(umber), s(tring).
    """

    def __init__(self, fields: Sequence[Field], key_file: Path | None) -> None:
        """Read the key, if a field needs one.

        Raises:
            TokenKeyMissing: naming the field.
        """
        tokenised = [field for field in fields if field.logged == TOKENISED]
        key = _key(key_file, tokenised[0].name) if tokenised else b""
        self._tokens = {field.name: tokeniser(key, field.name) for field in tokenised}
        self._open = all(field.logged is None for field in fields)
        self._names = [field.name for field in fields if field.logged != DROPPED]
        self.kinds = "".join(
            "s" if field.logged == TOKENISED else _KINDS[field.kind] for field in fields if field.logged != DROPPED
        )

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """What is logged of a row, in the order of the signature; most often the row itself."""
        if self._open:
            return row if [*row] == self._names else {name: row[name] for name in self._names}
        tokens = self._tokens
        return {name: tokens[name](row[name]) if name in tokens else row[name] for name in self._names}

    def columns(self, columns: Columns) -> Columns:
        """What is logged of several rows, in the order of the signature."""
        tokens = self._tokens
        return {
            name: [tokens[name](value) for value in columns[name]] if name in tokens else columns[name]
            for name in self._names
        }


def tokeniser(key: bytes, field: str) -> Callable[[Any], str | None]:
    """From a value of ``field`` to 32 hex digits of HMAC-SHA256(key, field, 0, the value as JSON); None stays None.

    Equal values of one field have equal tokens wherever the key is the same; those of two fields have not.
    """
    encode = msgspec.json.encode
    prefix = field.encode() + b"\0"

    def token(value: Any) -> str | None:
        if value is None:
            return None
        return hmac.digest(key, prefix + encode(value), "sha256")[:_TOKEN_BYTES].hex()

    return token


def _key(file: Path | None, field: str) -> bytes:
    remedy = f"Mount a secret of at least {SHORTEST_KEY} random bytes and name its file in token_key_file."
    if file is None:
        raise TokenKeyMissing(f"The request log keeps field {field!r} as a token, and no key is set.", remedy)
    try:
        key = file.read_bytes()
    except OSError as error:
        what = f"The key {file} for field {field!r} cannot be read: {error.strerror}."
        raise TokenKeyMissing(what, remedy) from error
    if len(key) < SHORTEST_KEY:
        raise TokenKeyMissing(f"The key {file} for field {field!r} has only {len(key)} bytes.", remedy)
    return key
