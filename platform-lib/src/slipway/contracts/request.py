"""The rules of a request signature, compiled once and applied to every request.

A field's rules become one closure whose first line is the test that a good value passes; everything else is
said only about a value that fails it. A row of the reference model (26 fields) takes about 4 µs.

What counts as what: ``true`` is never a number; a whole float such as ``3.0`` is an integer, as JSON (and JSON
Schema) knows one kind of number only and numpy writes integers with missing values so; an integer lies within
64 bits; a number is finite. Null is a value, and allowed where the field is nullable; a field is never left out.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from slipway.contracts.signature import MULTIPLE_TOLERANCE, Field
from slipway.errors import UsageError

Check = Callable[[Any], Any]

INT64 = (-(2**63), 2**63 - 1)
# What is looked for, for machines: one bad request must not keep a server busy. What of it is told to people.
REPORTED = 100
TOLD = 10
_SHOWN = 60
_LISTED = 40
_JSON_NAMES: dict[type, str] = {
    bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array", dict: "an object"
}  # fmt: skip
_KINDS = {"integer": "an integer", "number": "a number", "string": "a string"}


@dataclass(frozen=True)
class Breach:
    """One rule that one value breaks.

    Attributes:
        field: name of the field.
        rule: name of the rule: required, unknown_field, duplicate, type, nullable, minimum, maximum, finite,
            allowed, pattern, multiple_of, length; a protocol may add its own.
        row: index of the row, from 0; None when the whole column or request is at fault.
        message: what is wrong, as a phrase that says the value and the rule's limit.
    """

    field: str
    rule: str
    row: int | None
    message: str

    def __str__(self) -> str:
        where = f"field {self.field!r}" + ("" if self.row is None else f", row {self.row}")
        return f"{where}: {self.message} (rule {self.rule})"


class RequestBroken(UsageError):
    """A request breaks its signature.

    Attributes:
        breaches: the first hundred breaches, in the order of rows and fields; the message tells ten and how many more.
    """

    def __init__(self, breaches: Sequence[Breach]) -> None:
        self.breaches = list(breaches)[:REPORTED]
        told = "; ".join(str(breach) for breach in self.breaches[:TOLD])
        more = len(self.breaches) - TOLD
        or_so = " at least" if len(self.breaches) == REPORTED else ""
        super().__init__(f"{told}; and{or_so} {more} more." if more > 0 else f"{told}.")


class _Broken(Exception):
    """A value breaks a rule; turned into a Breach by those who know field and row."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self.message = message


class RequestRules:
    """The compiled rules of a signature.

    Attributes:
        names: the fields, in the order of the signature.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.names = tuple(field.name for field in fields)
        self._checks = tuple((field.name, _compile(field)) for field in fields)
        self._width = len(fields)

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The row with integers as int and numbers as float, in the order of the signature.

        Raises:
            RequestBroken: naming field, rule and row 0 of each breach.
        """
        try:
            if len(values) == self._width:
                return {name: check(values[name]) for name, check in self._checks}
        except (KeyError, _Broken):
            pass
        raise RequestBroken(list(islice(self._breaches([values]), REPORTED)))

    def breaches(self, values: Mapping[str, Any]) -> list[Breach]:
        """Every rule that a row breaks; none for a row that :meth:`row` takes."""
        return list(self._breaches([values]))

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
        """Many rows, as columns: field name to values of shape (rows,); see :meth:`row`."""
        try:
            if all(len(row) == self._width for row in rows):
                return {name: [check(row[name]) for row in rows] for name, check in self._checks}
        except (KeyError, _Broken):
            pass
        raise RequestBroken(list(islice(self._breaches(rows), REPORTED)))

    def columns(self, columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns of equal length, checked as :meth:`rows` checks rows.

        Raises:
            RequestBroken: also when a column is missing, unknown or of another length than the first.
        """
        unequal = list(self._unequal(columns))
        if unequal or columns.keys() != set(self.names):
            missing = self._breaches([dict.fromkeys(columns)], presence_only=True)
            raise RequestBroken(list(islice((*missing, *unequal), REPORTED)))
        try:
            return {name: [check(value) for value in columns[name]] for name, check in self._checks}
        except _Broken:
            rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
            raise RequestBroken(list(islice(self._breaches(rows), REPORTED))) from None

    def _unequal(self, columns: Mapping[str, Sequence[Any]]) -> Iterable[Breach]:
        lengths = {name: len(values) for name, values in columns.items()}
        first = next(iter(lengths), "")
        for name, length in lengths.items():
            if length != lengths[first]:
                yield Breach(name, "length", None, f"it has {length} rows, {first!r} has {lengths[first]}")

    def _breaches(self, rows: Iterable[Mapping[str, Any]], *, presence_only: bool = False) -> Iterable[Breach]:
        for number, row in enumerate(rows):
            at = None if presence_only else number
            for name, check in self._checks:
                if name not in row:
                    yield Breach(name, "required", at, "it is missing; where the value is not known, send null")
                elif not presence_only:
                    yield from _breach(name, check, row[name], number)
            for name in row.keys() - set(self.names):
                yield Breach(name, "unknown_field", at, "the signature has no such field")


def first_doubled(names: Iterable[str]) -> str:
    """The first name that occurs a second time; there is one."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name occurs twice")


def shown(value: Any) -> str:
    """The value as an error message shows it: as JSON would write it, cut short, safe to print."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | dict):
        return _JSON_NAMES[type(value)]
    if isinstance(value, str):
        return repr(value) if len(value) <= _SHOWN else repr(value[:_SHOWN]) + "…"
    return repr(value) if isinstance(value, float) or abs(value) < 10**_SHOWN else "an integer of many digits"


def _breach(name: str, check: Check, value: Any, row: int) -> Iterable[Breach]:
    try:
        check(value)
    except _Broken as broken:
        yield Breach(name, broken.rule, row, broken.message)


def _compile(field: Field) -> Check:
    return _check(field) if field.logged is None else _discreet(_check(field))


def _discreet(check: Check) -> Check:
    """The check of a personal field: messages reach logs, so they do not say the value."""

    def discreet(value: Any) -> Any:
        try:
            return check(value)
        except _Broken as broken:
            raise _Broken(broken.rule, "the value breaks the rule; it is personal and not shown") from None

    return discreet


def _check(field: Field) -> Check:
    match field.kind:
        case "integer":
            return _integer(field)
        case "number":
            return _number(field)
        case "string":
            return _string(field)
    raise ValueError(f"field {field.name}: kind {field.kind!r} is none of {', '.join(_KINDS)}")


def _integer(field: Field) -> Check:
    low, high = _bounds(field, *INT64)
    on_grid = grid(field)

    def check(value: Any) -> Any:
        if type(value) is int and low <= value <= high and (on_grid is None or on_grid(value)):
            return value
        if type(value) is float and value.is_integer():
            return check(int(value))
        if type(value) is int and not INT64[0] <= value <= INT64[1]:
            raise _Broken("type", f"{shown(value)} does not fit into 64 bits")
        return _explained(field, value, (int,), low, high)

    return check


def _number(field: Field) -> Check:
    low, high = _bounds(field, -sys.float_info.max, sys.float_info.max)
    on_grid = grid(field)

    def check(value: Any) -> Any:
        # NaN and the infinities fail the comparison.
        if type(value) is float and low <= value <= high and (on_grid is None or on_grid(value)):
            return value
        if type(value) is int:
            if not INT64[0] <= value <= INT64[1]:
                raise _Broken("type", f"{shown(value)} does not fit into 64 bits")
            return check(float(value))
        return _explained(field, value, (float,), low, high)

    return check


def _string(field: Field) -> Check:
    allowed = frozenset(field.allowed) if field.allowed is not None else None
    matches = re.compile(field.pattern).fullmatch if field.pattern is not None else None

    def check(value: Any) -> Any:
        if type(value) is str and (allowed is None or value in allowed) and (matches is None or matches(value)):
            return value
        return _explained(field, value, (str,), 0, 0)

    return check


def _bounds(field: Field, lowest: float, highest: float) -> tuple[float, float]:
    return (
        lowest if field.minimum is None else field.minimum,
        highest if field.maximum is None else field.maximum,
    )


def grid(field: Field) -> Check | None:
    """The test for being a multiple of the field's ``multiple_of``, within the tolerance; None where it has none."""
    quantum = field.multiple_of
    if quantum is None:
        return None

    def on_grid(value: float) -> bool:
        steps = value / quantum
        # A huge value by a small quantum is infinite, which cannot be rounded.
        return abs(steps) != math.inf and abs(steps - round(steps)) <= MULTIPLE_TOLERANCE

    return on_grid


def _explained(field: Field, value: Any, kinds: tuple[type, ...], low: float, high: float) -> None:
    """Accept null where it may stand; otherwise raise the first rule that ``value`` breaks."""
    if value is None:
        if field.nullable:
            return
        raise _Broken("nullable", "null is not allowed")
    if type(value) is float and not math.isfinite(value) and str not in kinds:
        raise _Broken("finite", f"{shown(value)} is not a finite number")
    if type(value) not in kinds:
        raise _Broken("type", f"{shown(value)} is {_JSON_NAMES[type(value)]}, not {_KINDS[field.kind]}")
    if type(value) is str:
        _explain_string(field, value)
    unit = f" {field.unit}" if field.unit else ""
    if value < low:
        raise _Broken("minimum", f"{shown(value)} is below {low}{unit}")
    if value > high:
        raise _Broken("maximum", f"{shown(value)} is above {high}{unit}")
    raise _Broken("multiple_of", f"{shown(value)} is not a multiple of {field.multiple_of}{unit}")


def _explain_string(field: Field, value: str) -> None:
    if field.allowed is not None and value not in field.allowed:
        known = ", ".join(field.allowed[:_LISTED]) + (", …" if len(field.allowed) > _LISTED else "")
        raise _Broken("allowed", f"{shown(value)} is none of {known}")
    raise _Broken("pattern", f"{shown(value)} does not match {field.pattern}")
