"""What the Python in a release uses: every import, every name of an imported module, every built-in, every attribute.

Read from its syntax tree and never run. A gate holds the uses against an allow-list; what is not on it is refused, so
nothing needs to be known about the many ways of reaching out.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_BUILTINS = frozenset(dir(builtins))


class Kind(StrEnum):
    """What is used; the values are words of a sentence."""

    IMPORT = "module"
    MEMBER = "member"
    CALL = "name"
    CONSTRUCT = "construct"


@dataclass(frozen=True)
class Use:
    """One use.

    Attributes:
        line: where, from 1.
        kind: IMPORT: of a module (``name`` is its dotted name); MEMBER: of a module's name (``name`` is
            "module:name"); CALL: of a built-in or of an object's attribute; CONSTRUCT: something that is never
            allowed, in words.
        name: see ``kind``.
    """

    line: int
    kind: Kind
    name: str


def uses(source: bytes) -> list[Use]:
    """All uses in a module, in the order of their lines."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [Use(getattr(error, "lineno", None) or 1, Kind.CONSTRUCT, f"what is no Python: {error}")]
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    rooted = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
    }
    found = {use for node in ast.walk(tree) for use in _of(node, modules, rooted)}
    return sorted(found, key=lambda use: (use.line, use.kind, use.name))


def imported(source: bytes) -> set[str]:
    """The top-level packages that a module imports."""
    return {use.name.partition(".")[0] for use in uses(source) if use.kind == Kind.IMPORT}


def _of(node: ast.AST, modules: dict[str, str], rooted: set[int]) -> Iterator[Use]:
    if isinstance(node, ast.Import):
        yield from _import(node)
    elif isinstance(node, ast.ImportFrom):
        yield from _import_from(node)
    elif isinstance(node, ast.MatchClass):
        # `case kind(__globals__=found)` reads an attribute without naming one, and `case kind(found)` those that the
        # class itself lists.
        yield Use(node.lineno, Kind.CONSTRUCT, "a class pattern")
    elif isinstance(node, ast.Attribute):
        if id(node.value) in rooted:
            assert isinstance(node.value, ast.Name)
            yield Use(node.lineno, Kind.MEMBER, f"{modules[node.value.id]}:{node.attr}")
        else:
            yield Use(node.lineno, Kind.CALL, node.attr)
    elif isinstance(node, ast.Name) and node.id in modules:
        if id(node) not in rooted:
            yield Use(node.lineno, Kind.CONSTRUCT, f"the module {modules[node.id]} as a value")
    elif (name := _bound_or_used(node)) in _BUILTINS or name.startswith("__"):
        # Binding a built-in's name counts as well, for in another function that name is still the built-in.
        yield Use(getattr(node, "lineno", 1), Kind.CALL, name)


def _import(node: ast.Import) -> Iterator[Use]:
    for alias in node.names:
        yield Use(node.lineno, Kind.IMPORT, alias.name)
        if "." in alias.name and alias.asname is None:
            yield Use(node.lineno, Kind.CONSTRUCT, f"`import {alias.name}` without `as`")


def _import_from(node: ast.ImportFrom) -> Iterator[Use]:
    module = "." * node.level + (node.module or "")
    yield Use(node.lineno, Kind.IMPORT, module)
    for alias in node.names:
        yield Use(node.lineno, Kind.MEMBER, f"{module}:{alias.name}")


def _bound_or_used(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    return ""
