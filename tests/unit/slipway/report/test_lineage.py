from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from slipway.files import sha256_folder
from slipway.report import lineage
from tests.report.toy_run import TOY


@pytest.mark.usefixtures("top")
def test_stages_follow_whose_output_they_read() -> None:
    found = lineage.read(TOY)
    assert [(stage.name, stage.after) for stage in found] == [
        ("ingest", []),
        ("validate", ["ingest"]),
        ("train", ["validate"]),
        ("package", ["train"]),
    ]
    assert found[2].code == ["uv.lock"]


@pytest.mark.usefixtures("top")
def test_outputs_carry_the_sha256_of_what_is_on_disk() -> None:
    outputs = {out.path: out for stage in lineage.read(TOY) for out in stage.outputs}
    provenance = hashlib.sha256(TOY.provenance.read_bytes()).hexdigest()
    assert outputs["data/toy/provenance.json"].sha256 == provenance
    assert outputs["data/toy/validated"].sha256 == sha256_folder(TOY.validated)
    assert outputs["releases/toy"].sha256 is None
    assert {out.recorded for out in outputs.values()} == {None}


def test_the_lock_s_digests_stand_beside_them(top: Path) -> None:
    out = {"path": "artifacts/toy/model", "hash": "md5", "md5": "1234.dir", "size": 7}
    other = {**out, "path": "artifacts/toy/other"}
    (top / "dvc.lock").write_text(
        yaml.safe_dump({"stages": {"train@toy": {"outs": [out]}, "train@x": {"outs": [other]}}})
    )
    outputs = {out.path: out.recorded for stage in lineage.read(TOY) for out in stage.outputs}
    assert outputs["artifacts/toy/model"] == "md5:1234.dir"
    assert outputs["releases/toy"] is None


def test_a_stage_of_one_model_alone_is_read_as_it_is(top: Path) -> None:
    (top / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"only": {"cmd": "true", "outs": ["a"]}}}))
    assert [stage.name for stage in lineage.read(TOY)] == ["only"]


def test_no_pipeline_gives_no_stage(top: Path) -> None:
    (top / "dvc.yaml").unlink()
    assert lineage.read(TOY) == []
