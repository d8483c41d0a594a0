"""Request rules that are not the contract's are found; and no code of a release that is only being verified runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.evidence import EvidenceRefused
from slipway.files import read_json, write_json
from slipway.project import ModelPaths
from slipway.release import lineage, manifest
from slipway.release.derived import CONTRACT, check_signature
from slipway.release.package import package
from tests.conftest import MODEL


@pytest.fixture
def folder(here: ModelPaths, params: dict[str, Any]) -> Path:
    return here.releases / package(here, params)


def _sealed(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder as a consistent release of its new content."""
    sealed = folder.rename(folder.with_name(manifest.write(folder, MODEL)))
    return sealed, manifest.verify(sealed)


def test_a_packaged_signature_follows(folder: Path) -> None:
    assert check_signature(folder, manifest.verify(folder))


def _wider(fields: list[dict[str, Any]]) -> None:
    next(field for field in fields if "maximum" in field)["maximum"] += 1


def _nullable(fields: list[dict[str, Any]]) -> None:
    next(field for field in fields if not field.get("nullable"))["nullable"] = True


def _shorter(fields: list[dict[str, Any]]) -> None:
    fields.pop()


def _in_another_order(fields: list[dict[str, Any]]) -> None:
    fields.reverse()


@pytest.mark.parametrize("change", [_wider, _nullable, _shorter, _in_another_order])
def test_another_rule_than_the_contract_s_is_refused(folder: Path, change: Any) -> None:
    fields = read_json(folder / "signature.json")
    change(fields)
    write_json(folder / "signature.json", fields)
    sealed, listed = _sealed(folder)
    for verify in (check_signature, lineage.check):
        with pytest.raises(EvidenceRefused, match=r"signature\.json do not follow from the contract"):
            verify(sealed, listed)


def test_a_foreign_contract_is_not_run(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    source = (folder / CONTRACT).read_text()
    (folder / CONTRACT).write_text(f"{source}\nopen({str(trace)!r}, 'w')\n")
    sealed, listed = _sealed(folder)
    assert not check_signature(sealed, listed)
    assert not trace.exists()


def test_away_from_the_monorepo_there_is_nothing_to_ask(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, elsewhere = manifest.verify(folder), tmp_path / "elsewhere"
    away = Path(shutil.copytree(folder, elsewhere / folder.name))
    monkeypatch.chdir(elsewhere)
    assert not check_signature(away, listed)
