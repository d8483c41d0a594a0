"""The proofs that the rubric names exist."""

from __future__ import annotations

import ast
from pathlib import Path

from slipway import gates
from slipway.score.proofs import Green
from slipway.score.rubric import ROWS
from slipway.score.scoring import named_tests
from tests.conftest import MODEL


def exists(node: str) -> bool:
    file, _, name = node.partition("::")
    if not Path(file).is_file():
        return False
    functions = {
        entry.name for entry in ast.walk(ast.parse(Path(file).read_text())) if isinstance(entry, ast.FunctionDef)
    }
    return not name or name in functions


def test_every_named_test_exists() -> None:
    assert {node for node in named_tests(MODEL) if not exists(node)} == set()


def test_every_named_gate_exists() -> None:
    named = {proof.gate for row in ROWS for proof in (*row.automatic, *row.partly) if isinstance(proof, Green)}
    assert named <= set(gates.names())


def test_no_row_is_earned_by_the_test_of_scoring_itself() -> None:
    assert not [node for node in named_tests(MODEL) if "/score/" in node]
