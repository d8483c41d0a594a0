"""Which fields each value of a transform comes from, by running the transform on numbers that remember."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slipway.errors import UsageError
from slipway.features.columns import NAN, Columns, Values

Transform = Callable[[Columns, Any], Sequence[Values]]


class Untraceable(UsageError):
    """A transform leaves the operations that a number for tables and for single rows has."""


class Traced:
    """A value and the names of the fields that it was computed from.

    It knows the operations of :mod:`slipway.features`, and no others: what left them (``math.floor``, ``if``) would
    lose the fields unseen.
    """

    __slots__ = ("fields", "value", "vocabulary")
    __hash__ = None  # type: ignore[assignment]  # a look-up by value would lose the fields

    def __init__(self, value: Any, fields: frozenset[str], vocabulary: Mapping[str, int] | None = None) -> None:
        """Make one; ``vocabulary`` is what gave a category its number, where the value is such a number."""
        self.value = value
        self.fields = fields
        self.vocabulary = vocabulary

    def __bool__(self) -> bool:
        raise TypeError("a branch on a column's value; use Columns.where")

    def __neg__(self) -> Traced:
        return Traced(-self.value, self.fields)


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Traced, Any], Traced]:
    def method(self: Traced, other: Any) -> Traced:
        return Traced(function(self.value, _value(other)), self.fields | _fields(other))

    return method


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Traced, Any], Traced]:
    def method(self: Traced, other: Any) -> Traced:
        return Traced(function(other, self.value), self.fields)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    setattr(Traced, f"__{_name}__", _arithmetic(getattr(operator, _name)))
    setattr(Traced, f"__r{_name}__", _reflected(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or"):
    setattr(Traced, f"__{_name}__", _arithmetic(getattr(operator, f"__{_name}__")))


class Tracing:
    """One request whose values remember their fields; the same numbers as :class:`~slipway.features.Row`."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def number(self, name: str) -> Traced:
        value = self._fields[name]
        return Traced(NAN if value is None else value, frozenset([name]))

    def code(self, name: str, vocabulary: Mapping[str, int]) -> Traced:
        return Traced(vocabulary.get(self._fields[name], NAN), frozenset([name]), vocabulary)

    def where(self, condition: Values, then: Values, otherwise: Values) -> Traced:
        """Its fields are those of the condition and of both branches: each may decide the value."""
        chosen = then if _value(condition) else otherwise
        return Traced(_value(chosen), _fields(condition) | _fields(then) | _fields(otherwise))


def trace(transform: Transform, state: Any, fields: Mapping[str, Any]) -> list[Traced]:
    """Each value of ``transform`` on one request, with the fields that it comes from.

    Args:
        transform: a model's ``features.transform``.
        state: what the features remember of the training rows.
        fields: field name to value, None for a missing one.

    Raises:
        Untraceable: when the transform does more than :mod:`slipway.features` allows.
    """
    try:
        values = transform(Tracing(fields), state)
    except TypeError as error:
        raise Untraceable(
            f"The transform of features.py cannot be traced: {error}.",
            "Keep to + - * / // %, comparisons, Columns.where and Columns.code.",
        ) from error
    return [value if isinstance(value, Traced) else Traced(value, frozenset()) for value in values]


def fields_read(transform: Transform, state: Any, columns: Sequence[str]) -> list[str]:
    """Which of ``columns`` the transform reads, whether or not a value comes of it, in their order.

    Raises:
        Untraceable: see :func:`trace`.
    """
    asked = _Asked(dict.fromkeys(columns))
    trace(transform, state, asked)
    return [name for name in columns if name in asked.names]


class _Asked(Mapping[str, Any]):
    """Fields without values, which remembers the names it was asked for."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = self._fields[name]
        self.names.add(name)
        return value

    def __iter__(self) -> Any:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _value(operand: Any) -> Any:
    return operand.value if isinstance(operand, Traced) else operand


def _fields(operand: Any) -> frozenset[str]:
    return operand.fields if isinstance(operand, Traced) else frozenset()
