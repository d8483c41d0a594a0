"""Folders of Go modules, by their checksums."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.builds import go, modules
from infra.builds.components import components
from infra.errors import PlatformError

from . import toolchains


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    modules._download.cache_clear()
    yield
    modules._download.cache_clear()


def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **fields: str) -> None:
    program = toolchains.go(tmp_path / "bin", f"echo '{json.dumps(fields)}'")
    monkeypatch.setattr(go, "toolchain", lambda: go.Toolchain(str(program), "1.99.0"))


def recorded(name: str) -> str:
    component = components()[name]
    text = (component.source / "go.sum").read_text()
    found = re.search(rf"^{re.escape(component.module)} {re.escape(component.version)} (h1:\S+)$", text, re.MULTILINE)
    assert found
    return found[1]


def test_a_folder_whose_checksum_is_ours_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(tmp_path, monkeypatch, Dir="/modules/seldon", Sum=recorded("seldon-core"))
    assert modules.folder(components()["seldon-core"]) == Path("/modules/seldon")


def test_another_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(tmp_path, monkeypatch, Dir="/modules/seldon", Sum="h1:other")
    with pytest.raises(PlatformError, match=r"go\.sum does not hold .* h1:other"):
        modules.folder(components()["seldon-core"])


def test_what_the_proxy_said_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(tmp_path, monkeypatch, Error="no such host")
    with pytest.raises(PlatformError, match="no such host"):
        modules.folder(components()["seldon-core"])
