"""Figures of any shape as tables, and numbers for people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table: its title (may be empty), column heads, and rows of values; the first of each row is its head."""

    title: str
    columns: list[str]
    rows: list[list[Any]]


def tables(value: Mapping[str, Any], title: str = "") -> list[Table]:
    """``value``, as deep as it may be, as tables: first its plain entries, then one for each block in it."""
    if _even(value):
        return [_named_rows(value, title)]
    plain = {key: entry for key, entry in value.items() if _plain(entry)}
    found = [Table(title, ["figure", "value"], [[key, entry] for key, entry in plain.items()])] if plain else []
    for key, entry in value.items():
        if key not in plain:
            name = f"{title} · {key}" if title else key
            found += tables(entry, name) if isinstance(entry, Mapping) else [_rows(entry, name)]
    return found


def _named_rows(value: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    columns = list(dict.fromkeys(column for entry in value.values() for column in entry))
    rows = [[key, *(entry.get(column) for column in columns)] for key, entry in value.items()]
    return Table(title, ["name", *columns], rows)


def _rows(value: Sequence[Any], title: str) -> Table:
    """A list of blocks; columns of text come first, for the first of a row is its head."""
    rows = [entry if isinstance(entry, Mapping) else {"value": entry} for entry in value]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    columns.sort(key=lambda column: any(not isinstance(row.get(column, ""), str) for row in rows))
    return Table(title, columns, [[row.get(column) for column in columns] for row in rows])


def _even(value: Mapping[str, Any]) -> bool:
    """Whether each entry is a block of plain entries."""
    blocks = [entry for entry in value.values() if isinstance(entry, Mapping) and entry]
    return 0 < len(blocks) == len(value) and all(_plain(leaf) for entry in blocks for leaf in entry.values())


def _plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not value
    if isinstance(value, list | tuple):
        return all(not isinstance(entry, Mapping | list | tuple) for entry in value)
    return True


def flattened(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Every leaf of ``value`` with its dotted key."""
    found: list[tuple[str, Any]] = []
    for key, entry in value.items():
        name = f"{prefix}{key}"
        found += flattened(entry, f"{name}.") if isinstance(entry, Mapping) and entry else [(name, entry)]
    return found


def number(value: Any) -> str:
    """A value for people: thousands separated, four significant digits, "–" for nothing."""
    if value is None or value == [] or value == {}:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list | tuple):
        return ", ".join(number(entry) for entry in value)
    return str(value)


def _float(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:.4g}"


def natural(name: str) -> list[Any]:
    """A sort key by which "9" comes before "10"."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
