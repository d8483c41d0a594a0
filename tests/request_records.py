"""Records to log, as a model server would hand them over, and the server that hands them."""

from __future__ import annotations

from typing import Any

from slipway.contracts.signature import Field
from slipway.request_log.records import Answered, Feedback, Served

FIELDS = (
    Field("count", "integer"),
    Field("speed", "number", nullable=True),
    Field("carrier", "string"),
)
SERVED = Served("toy", "c" * 64, "champion", "toy-production", FIELDS)
NOON = 1_764_000_000_000_000_000  # 2025-11-24 16:00 UTC
DAY = "2025-11-24"


def row(number: int) -> dict[str, Any]:
    return {"count": number, "speed": None if number % 7 == 0 else number / 3, "carrier": f"C{number % 5}"}


def answer(number: int, identity: str = "", time_ns: int = 0) -> Answered:
    """An answer of one row."""
    when = time_ns or NOON + number
    return Answered(identity or f"r{number}", when, 0.001, row(number), None, [number / 1000], [number % 2 == 0], "v2")


def answers(count: int, start: int = 0) -> list[Answered]:
    return [answer(number) for number in range(start, start + count)]


def wide(identity: str, rows: int) -> Answered:
    """An answer of several rows."""
    whole = [row(number) for number in range(rows)]
    columns = {field.name: [values[field.name] for values in whole] for field in FIELDS}
    scores = [number / 1000 for number in range(rows)]
    return Answered(identity, NOON, 0.001, None, columns, scores, [score > 0.5 for score in scores], "seldon")


def truth(identity: str, labels: list[Any], time_ns: int = NOON, reward: float | None = None) -> Feedback:
    return Feedback(identity, time_ns, labels, reward)
