"""A release whose verdicts were passed on something else is refused, however consistent its manifest is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slipway import gates
from slipway.evidence import EvidenceRefused
from slipway.files import read_json, write_json
from slipway.release import lineage, manifest
from tests.conftest import MODEL


@pytest.fixture
def copy(release_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release_folder, tmp_path / "copy"))


def _sealed(folder: Path) -> tuple[Path, dict[str, object]]:
    """The folder as a consistent release of its new content."""
    sealed = folder.rename(folder.with_name(manifest.write(folder, MODEL)))
    return sealed, manifest.verify(sealed)


def test_the_release_s_verdicts_speak_of_its_files(release_folder: Path) -> None:
    assert lineage.check(release_folder, manifest.verify(release_folder)) == sorted(gates.names())


@pytest.mark.parametrize("file", lineage.SHIPPED.values())
def test_a_file_put_in_after_judging_is_refused(copy: Path, file: str) -> None:
    (copy / file).write_bytes((copy / file).read_bytes() + b" ")
    sealed, listed = _sealed(copy)
    with pytest.raises(EvidenceRefused, match=f"judged another {file} than the release holds"):
        lineage.check(sealed, listed)


@pytest.mark.parametrize("file", lineage.SHIPPED.values())
def test_a_file_taken_out_after_judging_is_refused(copy: Path, file: str) -> None:
    (copy / file).unlink()
    sealed, listed = _sealed(copy)
    with pytest.raises(EvidenceRefused, match=f"judged another {file} than the release holds"):
        lineage.check(sealed, listed)


def test_a_red_verdict_is_refused(copy: Path) -> None:
    found = read_json(copy / "evidence.json")
    found["verdicts"]["slices"]["passed"] = False
    write_json(copy / "evidence.json", found)
    sealed, listed = _sealed(copy)
    with pytest.raises(EvidenceRefused, match="Gate slices is red"):
        lineage.check(sealed, listed)


def test_another_threshold_than_the_costs_give_is_refused(copy: Path) -> None:
    write_json(copy / "decision.json", {"threshold": 0.0})
    sealed, listed = _sealed(copy)
    with pytest.raises(EvidenceRefused, match="does not follow from the costs"):
        lineage.check(sealed, listed)
