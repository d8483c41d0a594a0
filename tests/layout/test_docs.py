"""Documents show no command that nobody runs, and link to nothing that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs import commands


def test_documents_are_found() -> None:
    assert len(commands.documents()) >= 15
    assert {"make repro", "make test"} <= set(commands.commands(ROOT / "README.md"))


@pytest.mark.parametrize("command", commands.all_commands())
def test_every_command_is_run_by_somebody(command: str) -> None:
    assert commands.runner(command) is not None, f"CI runs {sorted(commands.run_by_ci())}, tests/docs runs the rest"


@pytest.mark.parametrize("document", commands.documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert [str(target) for target in commands.links(document) if not target.exists()] == []


def test_ci_runs_the_commands_of_the_readme() -> None:
    shown = commands.commands(ROOT / "README.md")
    assert commands.run_by_ci() - {"make setup", "make check", "make platform-build"} <= set(shown)


def test_every_make_target_is_listed_by_help() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    phony = {line.removeprefix(".PHONY: ") for line in lines if line.startswith(".PHONY: ")}
    listed = {line.split(":")[0] for line in lines if "  ## " in line}
    assert phony == listed
