"""What a model server hands to the request log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from slipway.contracts.signature import Field


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One answered request; neither it nor what it holds may change afterwards.

    Attributes:
        id: the request's id, as the client was told.
        time_ns: when it was answered, nanoseconds since 1970 UTC.
        seconds: how long it took.
        row: field name to value, for a request of one row; or else None. The signature's order is the fastest.
        columns: field name to values of shape (rows,), for a request of several rows; or else None.
        scores: of shape (rows,).
        decisions: of shape (rows,).
        protocol: by which it came, e.g. "v2".
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
        truth: the true labels, of shape (rows,): numbers or booleans, None where unknown.
        reward: Seldon's reward, or None.
    """

    id: str
    time_ns: int
    truth: list[Any]
    reward: float | None


Record = Answered | Feedback


@dataclass(frozen=True)
class Served:
    """Who answers.

    Attributes:
        model: the model's name.
        release: the release's digest.
        predictor: name of the predictor, e.g. Seldon's PREDICTOR_ID.
        deployment: name of the deployment, e.g. Seldon's SELDON_DEPLOYMENT_ID.
        fields: the request signature, which says how personal fields are logged.
    """

    model: str
    release: str
    predictor: str
    deployment: str
    fields: tuple[Field, ...]
