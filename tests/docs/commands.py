"""The commands that the documents show, and who runs each of them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.conftest import ROOT

_BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_BACKGROUND = re.compile(r" &$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")
WALKED = ROOT / "docs/guides/promote-a-model.md"
# `make test` runs these before anything else.
_BEFORE_TESTS = ("make setup", "make check")


def documents() -> list[Path]:
    """Every Markdown file that a person reads here."""
    kept = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = [file for room in ("docs", "infra", "gitops", "models") for file in (ROOT / room).rglob("*.md")]
    return kept + [file for file in found if ".venv" not in file.parts]


def _blocks(document: Path) -> list[str]:
    return [block for _, block in _BLOCK.findall(document.read_text())]


def scripts(document: Path) -> list[str]:
    """The bash blocks that start something in the background, which only make sense as a whole."""
    return [block for block in _blocks(document) if _BACKGROUND.search(block)]


def commands(document: Path) -> list[str]:
    """The command lines of a document's other bash blocks, comments removed, continued lines joined."""
    blocks = (block for block in _blocks(document) if not _BACKGROUND.search(block))
    lines = (line for block in blocks for line in block.replace("\\\n", " ").splitlines())
    return [command for line in lines if (command := re.sub(r"\s+# .*", "", line).strip())]


def links(document: Path) -> list[Path]:
    """The files that a document links to."""
    return [document.parent / target for target in _LINK.findall(document.read_text())]


def all_commands() -> list[str]:
    return sorted({command for document in documents() for command in commands(document)})


def _called(script: str) -> set[str]:
    lines = (ROOT / ".ci" / script).read_text().splitlines()
    return {found.group() for line in lines if (found := re.search(r"(?<!\S)make [a-z-]+", line.partition("#")[0]))}


def run_by_ci() -> set[str]:
    """What .ci/run and .ci/nightly call, and what `make test` runs first."""
    return _called("run") | _called("nightly") | set(_BEFORE_TESTS)


def runner(command: str) -> str | None:
    """Who runs ``command``, or None if nobody does.

    "ci", "pytest", "cluster" (tests/cluster), "server", "here", or "walk": with all others of its guide, in order, in a
    monorepo of its own (tests/docs/test_promotion.py).
    """
    words = shlex.split(command)
    if command in commands(WALKED):
        return "walk"
    if command in run_by_ci():
        return "ci"
    if words[0] == "pytest":
        return "pytest" if all((ROOT / path).exists() for path in words[1:]) else None
    if command.startswith("make platform-") or ".localhost:8080" in command:
        return "cluster"
    if words[0] == "curl" or command == "make serve":
        return "server"
    here = (words[0] in ("slipway", "dvc") and "serve" not in words[1:2]) or command.startswith("slipway serve --help")
    targets = ("make help", "make format", "make hooks", "make licences", "make report")
    return "here" if here or command in targets else None
