"""What Python code uses, from its syntax tree."""

from __future__ import annotations

import pytest

from slipway.supply_chain import code
from slipway.supply_chain.code import Kind


def names(source: str, kind: Kind) -> list[str]:
    return [use.name for use in code.uses(source.encode()) if use.kind == kind]


def test_imports_and_what_is_taken_from_them() -> None:
    source = "import polars as pl\nfrom typing import Any\nfrom a.b import c as d\npl.col\nd.e"
    assert names(source, Kind.IMPORT) == ["polars", "typing", "a.b"]
    assert names(source, Kind.MEMBER) == ["typing:Any", "a.b:c", "polars:col"]
    assert names(source, Kind.CALL) == ["e"]
    assert names(source, Kind.CONSTRUCT) == []
    assert code.imported(source.encode()) == {"polars", "typing", "a"}


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import os",
        "if False:\n    import os",
        "try:\n    pass\nexcept Exception:\n    import os",
        "class A:\n    import os",
        "lambda: 1\nimport os, polars",
    ],
)
def test_an_import_counts_wherever_it_stands(source: str) -> None:
    assert "os" in names(source, Kind.IMPORT)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("f'{eval(1)}'", "eval"),
        ("x = [open for _ in y]", "open"),
        ("def f(a=exec): pass", "exec"),
        ("def f(x: 'int', *, compile): pass", "compile"),
        ("@vars\ndef f(): pass", "vars"),
        ("class eval: pass", "eval"),
        ("async def open(): pass", "open"),
        ("match x:\n    case open(): pass", "open"),
        ("x.y.__class__", "__class__"),
        ("__loader__", "__loader__"),
        ("(lambda eval: eval)", "eval"),
        ("for open in x: pass", "open"),
        ("del open", "open"),
    ],
)
def test_a_built_in_counts_wherever_it_stands(source: str, name: str) -> None:
    assert name in names(source, Kind.CALL)


def test_own_names_do_not_count() -> None:
    source = "import polars as pl\nRATE = 3\ndef f(x):\n    y = x\n    return g(y) + RATE\ndef g(z):\n    return z"
    assert {use.kind for use in code.uses(source.encode())} == {Kind.IMPORT}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import polars as pl\nf(pl)", "the module polars as a value"),
        ("import polars as pl\npl = 1", "the module polars as a value"),
        ("import a.b\na.b.c", "`import a.b` without `as`"),
        ("match f:\n    case kind(__globals__=found): pass", "a class pattern"),
        ("match f:\n    case [{'x': kind(found)}]: pass", "a class pattern"),
        ("def (", "what is no Python: invalid syntax"),
        ("x = '\0'", "what is no Python: "),
        ("(" * 10_000 + ")" * 10_000, "what is no Python: "),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_never_allowed(source: str, said: str) -> None:
    assert any(said in found for found in names(source, Kind.CONSTRUCT))


def test_a_line_is_that_of_the_use() -> None:
    assert [(use.line, use.name) for use in code.uses(b"\n\nx = len(\n    eval)")] == [(3, "len"), (4, "eval")]
