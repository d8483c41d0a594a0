"""From the bytes of a body to a typed message, or to a Refused that says what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from slipway.contracts.request import Breach, first_doubled
from slipway.serving.replies import Refused

Message = TypeVar("Message")
Asked = TypeVar("Asked")

_DEEP = "The JSON is nested too deeply."
_MANY_DIGITS = 400
_TOO_LARGE = 2**64


class Reader(Generic[Message]):
    """Decodes bodies to messages and checks them.

    Args:
        kind: the msgspec type of a message.
        keys: how many JSON keys a message was read from, as far as it can tell; see :meth:`read`. Without it, every
            body is read twice.
    """

    def __init__(self, kind: type[Message], keys: Callable[[Message], int] | None = None) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode
        self._keys = keys

    def read(self, body: bytes, check: Callable[[Message], Asked]) -> Asked:
        """What is asked for in ``body``.

        Args:
            body: JSON.
            check: from a message to what is asked for in it; raises Refused.

        A body whose keys may be doubled is read a second time to find out; a decoder keeps the last of two equal
        keys and forgets the first. Each key is followed by a colon, so with as many colons as different keys
        there are no doubles.

        Raises:
            Refused: 400 for a body that is empty, not JSON, not of the expected shape, or that doubles a key.
        """
        try:
            message = self._decode(body)
        except RecursionError as error:
            raise Refused(400, _DEEP) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._diagnosis(body, error, check) from error
        if self._keys is None or body.count(b":") != self._keys(message):
            _refuse_doubled_keys(body)
        return check(message)

    def _diagnosis(self, body: bytes, error: Exception, check: Callable[[Message], Any]) -> Refused:
        """Why a body cannot be decoded: by its field, where NaN or a huge number is all that is wrong."""
        if not body:
            return Refused(400, "The body is empty.", "Send a JSON object.")
        try:
            check(msgspec.convert(json.loads(body, parse_int=_integer), self._kind))
        except Refused as refusal:
            return refusal
        except RecursionError:
            return Refused(400, _DEEP)
        except msgspec.ValidationError as wrong_shape:
            return Refused(400, f"The JSON has the wrong shape: {wrong_shape}.")
        except ValueError:
            return Refused(400, f"The body is not valid JSON: {error}.")
        return Refused(400, f"The body is not valid JSON: {error}.", "NaN and Infinity are not JSON; send null.")


def _integer(digits: str) -> int:
    # int() itself refuses thousands of digits; the value only has to be too large for any field.
    return int(digits) if len(digits) < _MANY_DIGITS else _TOO_LARGE


def _refuse_doubled_keys(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_distinct, parse_int=_integer)
    except RecursionError as error:
        raise Refused(400, _DEEP) from error
    except ValueError as error:  # what the typed decoder skipped unread
        raise Refused(400, f"The body is not valid JSON: {error}.") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        doubled = first_doubled(name for name, _ in pairs)
        breach = Breach(doubled, "duplicate", None, "the JSON key occurs twice in one object")
        raise Refused(400, f"{breach}.", "Send each key once.", breaches=[breach])
    return keys
