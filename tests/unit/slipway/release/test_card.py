"""The generated card: what a person wrote and what was measured, in one file that tools can read."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from models.flight_delay.features import NAMES
from slipway import gates
from slipway.files import read_json, read_yaml
from slipway.gates.policy import SECTIONS
from slipway.project import ModelPaths
from slipway.release import card

Params = dict[str, Any]


@pytest.fixture(scope="module")
def real(paths: ModelPaths, model_params: Any) -> str:
    return card.generate(paths, model_params.model_dump(mode="json"))


def _metadata(text: str) -> Any:
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_sections_of_a_text() -> None:
    text = "# Title\nfirst\n## One\n\na\nb\n\n### Not one\nc\n##  Two  \n## Three\nd"
    assert card.sections(text) == {"One": "a\nb\n\n### Not one\nc", "Two": "", "Three": "d"}
    assert card.sections("no section") == {}


def test_metadata_block_is_hugging_face_s(real: str, paths: ModelPaths) -> None:
    block = _metadata(real)
    assert block["license"] == "apache-2.0"
    assert block["library_name"] == "lightgbm"
    (model,) = block["model-index"]
    (result,) = model["results"]
    assert model["name"] == paths.name
    assert set(result) == {"task", "dataset", "metrics"}
    assert result["task"]["type"] == block["pipeline_tag"] == "tabular-classification"
    assert {"type", "name"} <= set(result["dataset"])
    overall = read_json(paths.evaluation / "metrics.json")["overall"]
    assert [entry["value"] for entry in result["metrics"]] == [overall[name]["value"] for name in card.MEASURES]


def test_sections_are_those_of_model_cards_for_model_reporting(real: str) -> None:
    found = list(card.sections(real))
    assert found[:9] == [
        "Model details", "Intended use", "Factors", "Metrics", "Training data", "Evaluation data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip


def test_what_a_person_wrote_is_in_it_word_for_word(real: str, paths: ModelPaths) -> None:
    written = card.sections((paths.home / "card.md").read_text())
    assert set(written) == set(SECTIONS)
    assert all(text in real for text in written.values())


def test_what_was_measured_is_in_it(real: str, paths: ModelPaths) -> None:
    said, metrics = read_yaml(paths.home / "model.yaml"), read_json(paths.evaluation / "metrics.json")
    verdicts = read_json(paths.evidence)["verdicts"]
    provenance = read_json(paths.provenance)
    for part in (said["owner"], f"{said['retention_days']} days", f"{metrics['kpi']['threshold']:.6g}"):
        assert part in real
    assert all(entry["sha256"] in real for entry in provenance["files"].values())
    assert all(f"| {gate} | green | " in real for gate in gates.names())
    assert all(verdicts[gate]["reason"] in real for gate in ("drift", "calibration", "challenger"))
    assert all(f"### By {name}\n" in real for name in metrics["groups"])
    assert all(re.search(rf"^\| {name} \| .* \| \d+\.\d% \|$", real, re.MULTILINE) for name in NAMES)
    assert "carrier=HA" in card.sections(real)["Caveats and recommendations"]


def test_equal_inputs_give_equal_text_and_no_digest_of_the_release(
    real: str, paths: ModelPaths, model_params: Any
) -> None:
    assert card.generate(paths, model_params.model_dump(mode="json")) == real
    assert all(folder.name not in real for folder in paths.releases.iterdir())


def test_limits_come_from_the_figures_of_green_gates(here: ModelPaths, params: Params) -> None:
    caveats = card.sections(card.generate(here, params))["Caveats and recommendations"]
    assert "were not judged by themselves: carrier=HA." in caveats
    assert "0.0200 higher than the observed rate" in caveats
    assert "of 9 shifts of the kind 'turned', 1 are noticed, which the gate does not ask for" in caveats
    assert "does not differ significantly from the champion" in caveats


def test_a_first_release_has_no_champion_to_differ_from(here: ModelPaths, params: Params) -> None:
    file = here.challenge / "comparison.json"
    file.write_text('{"champion": null}')
    text = card.generate(here, params)
    assert "none, this is a first release" in text
    assert "change against the champion" not in text


def test_a_reason_cannot_break_out_of_its_cell_and_numbers_are_in_order(here: ModelPaths, params: Params) -> None:
    text = card.generate(here, params)
    assert "| budget | green | budget is \\| fine |" in text
    assert text.index("| 9 | 300 ") < text.index("| 10 | 300 ")


def test_a_section_that_is_missing_is_named(here: ModelPaths, params: Params) -> None:
    file = here.home / "card.md"
    file.write_text(file.read_text().replace("## Privacy", "## Secrets"))
    with pytest.raises(KeyError, match="Privacy"):
        card.generate(here, params)
