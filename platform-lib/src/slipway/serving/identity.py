"""Request ids: the caller's own where there is one, or else a UUID of version 7 (RFC 9562)."""

from __future__ import annotations

import os
import random
import time
from urllib.parse import quote

from slipway.serving.replies import Headers, Refused

LONGEST_ID = 256
HEADER = "x-request-id"
_TAIL = 1 << 48
_STEP_BITS = 16


class Identities:
    """Makes ids: UUIDv7 that rise strictly, as text too, for as long as the process lives.

    Within one millisecond the last 48 of the random bits are raised by a random step ("Monotonic Random", RFC 9562,
    section 6.2), which costs a fifth of drawing them anew; a clock that is set back does not set the ids back.
    """

    def __init__(self) -> None:
        self._millisecond = -1
        self._head = ""
        self._tail = 0

    def new(self) -> str:
        """The next id, as 36 characters."""
        millisecond = time.time_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._begin(millisecond)
        else:
            self._tail += 1 + random.getrandbits(_STEP_BITS)
            if self._tail >= _TAIL:
                self._begin(self._millisecond + 1)
        return "%s%012x" % (self._head, self._tail)  # noqa: UP031 (half the time of an f-string with a format)

    def of(self, headers: Headers) -> str:
        """The id in the header x-request-id, or else a new one.

        Raises:
            Refused: 400 when the header is longer than LONGEST_ID, or holds more than printable ASCII: it is echoed.
        """
        given = headers.get(HEADER)
        if not given:
            return self.new()
        if not (given.isascii() and given.isprintable()):
            what = f"The header {HEADER} holds more than printable ASCII."
            raise Refused(400, what, "Send such an id in the body.")
        return checked(given, HEADER)

    def _begin(self, millisecond: int) -> None:
        chance = int.from_bytes(os.urandom(10), "big")
        self._millisecond = millisecond
        # The first bit of the tail stays 0, to leave room for steps.
        self._tail = chance & (_TAIL // 2 - 1)
        rand_a = chance >> 48 & 0xFFF
        variant = 0x8000 | chance >> 60 & 0x3FFF
        time_digits = f"{millisecond:012x}"
        self._head = f"{time_digits[:8]}-{time_digits[8:]}-7{rand_a:03x}-{variant:04x}-"


def checked(identity: str, where: str) -> str:
    """The caller's id.

    Raises:
        Refused: 400 when it is longer than LONGEST_ID.
    """
    if len(identity) > LONGEST_ID:
        raise Refused(400, f"{where} has {len(identity)} characters; at most {LONGEST_ID} are allowed.")
    return identity


def header_value(identity: str) -> str:
    """The id as a header can carry it: what is not printable ASCII becomes %xx of its UTF-8 bytes."""
    if identity.isascii() and identity.isprintable():
        return identity
    return quote(identity, errors="replace")
