"""The request signature of a release: what a contract says of each request field, as plain data.

It is derived from the pandera contract when a release is packaged (:mod:`slipway.contracts.derivation`) and travels
inside the release, so that a server validates requests by the very contract the model was trained under, without
importing pandera.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MULTIPLE_TOLERANCE = 0.01
DROPPED = "dropped"
TOKENISED = "tokenised"


@dataclass(frozen=True)
class Field:
    """The rules of one request field.

    Attributes:
        name: field name.
        kind: "integer", "number" or "string".
        nullable: whether null is allowed (the field itself must always be present).
        minimum, maximum: inclusive bounds, or None.
        allowed: the allowed categories, or None.
        pattern: regular expression that the whole string must match, or None.
        multiple_of: the value is a whole multiple of it (to within MULTIPLE_TOLERANCE of it), or None.
        unit, about: for people.
        logged: None for what the request log keeps as it is; DROPPED or TOKENISED for a personal value.
    """

    name: str
    kind: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str | None = None
    multiple_of: float | None = None
    unit: str = ""
    about: str = ""
    logged: str | None = None


def in_words(field: Field) -> str:
    """The rules of a field for people, e.g. "number from 0 to 120 mph, multiple of 1.15078, or null"."""
    said = field.kind
    if field.allowed is not None:
        said += f", one of {', '.join(field.allowed)}"
    if field.pattern is not None:
        said += f" that matches {field.pattern}"
    unit = f" {field.unit}" if field.unit else ""
    match field.minimum, field.maximum:
        case None, None:
            said += unit
        case low, None:
            said += f" from {low:g}{unit}"
        case None, high:
            said += f" up to {high:g}{unit}"
        case low, high:
            said += f" from {low:g} to {high:g}{unit}"
    if field.multiple_of is not None:
        said += f", multiple of {field.multiple_of:g}"
    return said + (", or null" if field.nullable else "")


def as_json(fields: list[Field]) -> list[dict[str, Any]]:
    """The signature as JSON-ready data; rules that are not set are left out."""
    return [{key: value for key, value in asdict(field).items() if value not in (None, "")} for field in fields]


def from_json(data: list[dict[str, Any]]) -> list[Field]:
    """Inverse of :func:`as_json`."""
    return [Field(**{**entry, "allowed": tuple(entry["allowed"])} if "allowed" in entry else entry) for entry in data]
