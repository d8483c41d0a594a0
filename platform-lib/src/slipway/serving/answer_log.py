"""What the server hands to the request log, and what it expects of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One answered request; neither it nor what it holds may change afterwards.

    Attributes:
        id: the request's id, as the client was told.
        time_ns: when it was answered, nanoseconds since 1970 UTC.
        seconds: how long it took.
        row: field name to value, for a request of one row; or else None.
        columns: field name to values of shape (rows,), for a request of several rows; or else None.
        scores, decisions: of shape (rows,).
        protocol: by which it came, "v2" or "seldon".
    """

    id: str
    time_ns: int
    seconds: float
    row: dict[str, Any] | None
    columns: dict[str, list[Any]] | None
    scores: list[float]
    decisions: list[bool]
    protocol: str


class Feedback(msgspec.Struct, frozen=True, gc=False):
    """What turned out to be true of an answered request.

    Attributes:
        id: the id of the request that it is about.
        time_ns: when it came, nanoseconds since 1970 UTC.
        truth: the true labels, of shape (rows,), None where unknown.
        reward: Seldon's reward, or None.
    """

    id: str
    time_ns: int
    truth: list[Any]
    reward: float | None


class AnswerLog(Protocol):
    """A request log. What takes records neither blocks nor raises."""

    def answered(self, record: Answered) -> None: ...

    def feedback(self, record: Feedback) -> None: ...

    def counts(self) -> Mapping[str, float]:
        """Records "published", "spooled", "replayed", "dropped" so far; now "pending", "spool_bytes", "connected"."""

    async def start(self) -> None: ...

    async def close(self, seconds: float) -> None:
        """Within ``seconds``, see to it that nothing that was taken is lost."""
