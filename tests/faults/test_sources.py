"""A source file that is missing or not as it was installed: exit 3, its name, the remedy, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.flight_delay import sources
from slipway.errors import EnvironmentFault
from slipway.sources import locate
from tests.conftest import MODEL
from tests.faults.workspace import Workspace, copy_monorepo, copy_package

REMEDY = f"Run `uv sync --reinstall-package {sources.PACKAGE}`"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of the source files, which is found before the installed one."""
    folder = copy_package(Workspace(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    return folder


def _locate() -> None:
    locate(sources.PACKAGE, sources.FOLDER, sources.FILES)


def test_the_copy_is_good_and_found(package: Path) -> None:
    found = locate(sources.PACKAGE, sources.FOLDER, sources.FILES)
    assert {source.file for source in found.values()} == {package / name for name in sources.FILES.values()}


@pytest.mark.parametrize("name", sources.FILES.values())
def test_a_missing_file_is_named(package: Path, name: str) -> None:
    (package / name).unlink()
    with pytest.raises(EnvironmentFault, match="is missing") as caught:
        _locate()
    assert f"{sources.FOLDER}/{name} of {sources.PACKAGE}" in caught.value.what
    assert REMEDY in caught.value.remedy


@pytest.mark.parametrize("name", sources.FILES.values())
@pytest.mark.parametrize("keep", [0.0, 0.5, -1])
def test_a_truncated_file_is_named_with_its_size(package: Path, name: str, keep: float) -> None:
    content = (package / name).read_bytes()
    short = content[:-1] if keep == -1 else content[: int(len(content) * keep)]
    (package / name).write_bytes(short)
    with pytest.raises(EnvironmentFault, match=rf"is not as it was installed \({len(short)} bytes\)") as caught:
        _locate()
    assert f"{sources.FOLDER}/{name} of {sources.PACKAGE}" in caught.value.what
    assert REMEDY in caught.value.remedy


def test_a_changed_byte_is_found(package: Path) -> None:
    file = package / sources.FILES["weather"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(EnvironmentFault, match="is not as it was installed"):
        _locate()


def test_a_record_without_the_file_vouches_for_nothing(package: Path) -> None:
    (record,) = package.parents[1].glob("*.dist-info/RECORD")
    entry = f"{sources.FOLDER}/{sources.FILES['planes']},"
    record.write_text("".join(line for line in record.read_text().splitlines(True) if not line.startswith(entry)))
    with pytest.raises(EnvironmentFault, match=sources.FILES["planes"]):
        _locate()


def test_the_ingest_stage_s_process_is_exit_3_and_writes_nothing(tmp_path: Path) -> None:
    workspace = copy_monorepo(tmp_path)
    file = copy_package(workspace) / sources.FILES["flights"]
    file.write_bytes(file.read_bytes()[:-1000])
    done = workspace.stage("ingest")
    assert done.returncode == 3
    assert sources.FILES["flights"] in done.stderr
    assert REMEDY in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / MODEL / "ingested").exists()
    assert not (tmp_path / "data" / MODEL / "provenance.json").exists()
