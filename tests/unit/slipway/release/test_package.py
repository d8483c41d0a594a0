"""A release is a function of its inputs; tests/faults/test_package_refusals.py has all that package refuses."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slipway.contracts.request import RequestRules
from slipway.contracts.signature import from_json
from slipway.errors import EnvironmentFault
from slipway.evidence import EvidenceRefused
from slipway.files import read_json, sha256_folder, write_json
from slipway.project import ModelPaths
from slipway.release import load, package, verify
from tests.unit.slipway.release.conftest import judge

Params = dict[str, Any]

PARTS = {
    "manifest.json", "model.txt", "model/contract.py", "model/features.py", "state.json", "signature.json",
    "decision.json", "model.yaml", "card.md", "provenance.json", "example.json", "params.json", "evidence.json",
    "drift/reading.json", "sbom.json", "study.json",
}  # fmt: skip


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_release_holds_all_that_it_must_and_answers(here: ModelPaths, params: Params) -> None:
    folder = here.releases / package.package(here, params)
    assert [path.name for path in here.releases.iterdir()] == [folder.name]
    assert _files(folder) == PARTS
    assert verify(folder)["model"] == here.name
    release = load(folder)
    assert 0 < release.score_row(read_json(folder / "example.json")) < 1
    assert 0 < release.threshold < 1


def test_equal_inputs_give_equal_bytes_wherever_and_whenever(
    here: ModelPaths, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = package.package(here, params)
    assert package.package(here, params) == first
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(Path.cwd(), elsewhere, ignore=shutil.ignore_patterns("releases"))
    monkeypatch.chdir(elsewhere)
    os.utime(here.trained / "model.txt", (0, 0))
    assert package.package(here, params) == first
    assert sha256_folder(here.releases) == sha256_folder(tmp_path / "here" / here.releases)


@pytest.mark.parametrize("change", ["card.md", "provenance", "params"])
def test_every_input_is_in_the_name(here: ModelPaths, params: Params, change: str) -> None:
    first = package.package(here, params)
    if change == "card.md":
        card = here.home / "card.md"
        card.write_text(card.read_text().replace("Gradient-boosted", "Boosted"))
        judge(here, params)
    elif change == "provenance":
        write_json(here.provenance, read_json(here.provenance) | {"package": "other noise"})
    else:
        params = params | {"train": params["train"] | {"seed": 99}}
    assert package.package(here, params) != first
    assert len(list(here.releases.iterdir())) == 1


def test_the_example_is_a_valid_request_without_nulls_where_there_is_one(here: ModelPaths, params: Params) -> None:
    folder = here.releases / package.package(here, params)
    example = read_json(folder / "example.json")
    RequestRules(from_json(read_json(folder / "signature.json"))).row(example)
    assert None not in example.values()
    newest = here.validated / "2013-12.parquet"
    rows = pl.read_parquet(newest)
    assert rows.drop_nulls().row(-1, named=True) == example


def test_a_refusal_leaves_the_old_release(here: ModelPaths, params: Params) -> None:
    digest = package.package(here, params)
    with (here.trained / "model.txt").open("a") as file:
        file.write("\n")
    with pytest.raises(EvidenceRefused, match=r"stale: it judged model\.txt"):
        package.package(here, params)
    verify(here.releases / digest)


@pytest.mark.parametrize("name", ["model.yaml", "card.md"])
def test_what_gate_policy_has_not_seen_is_refused(here: ModelPaths, params: Params, name: str) -> None:
    with (here.home / name).open("a") as file:
        file.write("\n")
    with pytest.raises(EvidenceRefused, match=f"stale: it judged {name}"):
        package.package(here, params)
    assert not here.releases.exists()


def test_a_candidate_is_the_release_without_its_proof(here: ModelPaths, params: Params) -> None:
    with package.candidate(here, params) as folder:
        verify(folder)
        judged = {name: (folder / name).read_bytes() for name in _files(folder) - {"manifest.json"}}
        scratch = folder.parent
    assert not scratch.exists()
    made = here.releases / package.package(here, params)
    assert judged.pop("card.md") == (here.home / "card.md").read_bytes()
    assert judged == {
        name: (made / name).read_bytes() for name in PARTS - {"manifest.json", "evidence.json", "card.md"}
    }
    assert package.proving_parts(here, params).keys() == {"evidence.json", "card.md"}


def test_a_candidate_needs_no_evidence_and_answers(here: ModelPaths, params: Params) -> None:
    here.evidence.unlink()
    with package.candidate(here, params) as folder:
        assert 0 < load(folder).score_row(read_json(folder / "example.json")) < 1


def test_a_release_without_a_drift_reference_is_refused(here: ModelPaths, params: Params) -> None:
    shutil.rmtree(here.drift)
    with (
        pytest.raises(EnvironmentFault, match=r"artifacts/flight_delay/drift holds no files"),
        package.candidate(here, params),
    ):
        pass
