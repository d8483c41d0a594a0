"""Shadow mode: the challenger's answers to copies of requests, held pair by pair against the champion's.

The gateway gives each request an id before it copies it (Envoy's header x-request-id), and a server logs its answer
under that id, or under the one in the request's body, which is copied, too. So both answers to one request have one id
in the request log, whichever comes first and however late. Of an id that a client uses again nobody can say which
answers belong together: from then on it counts no more. Who answered is told by the release and by the predictor's
name, which holds the image: so two images of one release are told apart, too.

What is kept in memory does not grow: of answers that wait for the other, and of ids that were seen, the oldest are
forgotten. A pair counts in the block of time in which its later half came into the stream, which is the same whenever
the stream is read, and never changes a block that is over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from slipway.canary.comparison import MOST, Finding, threshold
from slipway.canary.observation import Rollout, Shadowed
from slipway.canary.proportions import paired
from slipway.rendering.canary import Canary
from slipway.rendering.served import predictor_name
from slipway.request_log.events import ANSWERED

# Requests that are remembered, about half a kilobyte each; of messages, with many records each, so much fewer.
MOST_REMEMBERED = 100_000
_RECORDS = 10


class PairBlock(NamedTuple):
    """A block of time, the pairs that were completed in it, and how many of them differ."""

    end: datetime
    pairs: int
    differing: int


class Stored(NamedTuple):
    """A message of the request log: its id, when it came into the stream, and its body."""

    id: str
    at: datetime
    body: bytes


class _Answer(msgspec.Struct, gc=False):
    """Of an answer's data what is compared."""

    release: str
    predictor: str
    scores: list[float]
    rows: int = 1
    first_row: int = 0


class _Event(msgspec.Struct, gc=False):
    type: str
    subject: str
    data: msgspec.Raw


class _Piece(NamedTuple):
    """Some rows' scores, from champion (side 0) or challenger (1); ``rows`` are those of the whole request."""

    side: int
    first_row: int
    scores: list[float]
    rows: int


_decode_events = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class Pairing:
    """Pairs the answers of a roll-out's champion and challenger.

    Attributes:
        reused: answers under an id that their release had answered before.
    """

    def __init__(self, rollout: Rollout, settings: Canary, most: int = MOST_REMEMBERED) -> None:
        """``settings`` must have a shadow; ``most`` bounds what is remembered."""
        assert rollout.record.champion is not None
        assert settings.shadow is not None
        self.reused = 0
        both = rollout.record.champion, rollout.challenger
        self._sides = [(it.release, predictor_name(it)) for it in both]
        self._began, self._block = rollout.began, timedelta(seconds=settings.block_seconds)
        self._tolerance = settings.shadow.tolerance
        self._most = most
        self._messages: OrderedDict[str, None] = OrderedDict()
        # A request that counts, or never will, has no pieces.
        self._requests: OrderedDict[str, list[_Piece] | None] = OrderedDict()
        self._counts: dict[int, tuple[int, int]] = {}

    def take(self, messages: Iterable[Stored]) -> None:
        """Take messages in the order of the stream; one that comes again changes nothing, nor what is no answer."""
        for message in messages:
            if message.id in self._messages:
                continue
            self._messages[message.id] = None
            if len(self._messages) > self._most // _RECORDS:
                self._messages.popitem(last=False)
            for identity, answer in _answers(message.body):
                if (answer.release, answer.predictor) in self._sides:
                    self._answered(identity, answer, message.at)

    def blocks(self, until: datetime) -> tuple[PairBlock, ...]:
        """The pairs by block of time, of those blocks that are over at ``until``."""
        found = (
            PairBlock(self._began + self._block * (number + 1), *self._counts[number])
            for number in sorted(self._counts)
        )
        return tuple(block for block in found if block.end <= until)

    def _answered(self, identity: str, answer: _Answer, at: datetime) -> None:
        side = self._sides.index((answer.release, answer.predictor))
        pieces = self._requests.get(identity, [])
        if pieces is None or any(piece[:2] == (side, answer.first_row) for piece in pieces):
            self.reused += 1
            self._requests[identity] = None
            return
        pieces.append(_Piece(side, answer.first_row, answer.scores, answer.rows))
        whole = _whole(pieces, 0), _whole(pieces, 1)
        if whole[0] is not None and whole[1] is not None:
            self._count(whole[0], whole[1], at)
            self._requests[identity] = None
            return
        self._requests[identity] = pieces
        if len(self._requests) > self._most:
            self._requests.popitem(last=False)

    def _count(self, champion: list[float], challenger: list[float], at: datetime) -> None:
        gaps = (abs(one - other) for one, other in zip(champion, challenger, strict=False))
        differs = len(champion) != len(challenger) or any(gap > self._tolerance for gap in gaps)
        number = (at - self._began) // self._block
        pairs, differing = self._counts.get(number, (0, 0))
        self._counts[number] = (pairs + 1, differing + differs)


def _whole(pieces: list[_Piece], side: int) -> list[float] | None:
    """The scores of all rows, if all are there."""
    own = sorted(piece for piece in pieces if piece.side == side)
    scores = [score for piece in own for score in piece.scores]
    return scores if own and len(scores) >= own[0].rows else None


def shadowed(blocks: Sequence[PairBlock], settings: Canary) -> Shadowed:
    """Whether more of the pairs differ than shadow.differing allows; ``settings`` must have a shadow."""
    assert settings.shadow is not None
    pairs, differing = [block.pairs for block in blocks], [block.differing for block in blocks]
    log_e = paired(differing, pairs, settings.shadow.differing)
    return found(sum(pairs), sum(differing), float(np.exp(log_e.max(initial=0.0).clip(max=MOST))), settings)


def found(pairs: int, differing: int, e_value: float, settings: Canary) -> Shadowed:
    """The same of pairs that somebody else has counted; ``e_value`` is the evidence that they are."""
    shadow = settings.shadow
    assert shadow is not None
    if not pairs:
        return Shadowed(0, None)
    share = differing / pairs
    said = (
        f"{differing:,} of {pairs:,} pairs have scores that differ by more than {shadow.tolerance:g}, "
        f"{share:.2%}; allowed are {shadow.differing:.2%}"
    )
    finding = Finding("shadow", e_value, threshold(settings), shadow.differing, share, said)
    return Shadowed(pairs, finding, differing)


def _answers(body: bytes) -> Iterator[tuple[str, _Answer]]:
    """The answers of a message by the request's id. What nobody can read is the collector's to bury."""
    try:
        raws = _decode_events(body)
    except (msgspec.DecodeError, RecursionError):
        return
    for raw in raws:
        try:
            event = _decode_event(raw)
            if event.type == ANSWERED:
                yield event.subject, _decode_answer(event.data)
        except (msgspec.DecodeError, RecursionError):
            continue
