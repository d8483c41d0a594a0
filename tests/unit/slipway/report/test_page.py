"""The whole page, as bytes and as a tree of tags."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from slipway import gates
from slipway.errors import EnvironmentFault
from slipway.files import write_json
from slipway.report import write
from slipway.report.page import SECTIONS
from tests.report import toy_run
from tests.report.toy_run import TOY

HOSTILE = """<script>alert("1")</script>'"><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"""
_HANDS_OFF = {"script", "img", "iframe", "object", "embed", "form", "base"}


class Tags(HTMLParser):
    """Every tag with its attributes, every text, and the text of each section."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.sections: dict[str, str] = {}
        self._section = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = str(dict(attrs)["id"])
        self._tell(" ")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        self._tell(data)

    def _tell(self, text: str) -> None:
        self.sections[self._section] = self.sections.get(self._section, "") + text

    def values(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.tags if attribute in attributes]


def page_of(top: Path) -> str:
    write(TOY, top / "report.html")
    return (top / "report.html").read_text(encoding="utf-8")


def test_equal_artifacts_give_equal_bytes_in_any_process(top: Path) -> None:
    first = page_of(top)
    assert page_of(top) == first
    elsewhere = "from pathlib import Path; from slipway.report import write; from tests.report.toy_run import TOY; "
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": str(Path(__file__).parents[4]),
        "TZ": "Asia/Tokyo",
    }
    subprocess.run(
        [sys.executable, "-c", elsewhere + "write(TOY, Path('other.html'))"], cwd=top, env=environment, check=True
    )
    assert (top / "other.html").read_text(encoding="utf-8") == first


def test_what_files_say_never_becomes_markup(top: Path) -> None:
    card = yaml.safe_load((TOY.home / "model.yaml").read_text())
    card |= {"title": HOSTILE, "owner": HOSTILE, "purpose": HOSTILE}
    card["kpi"] |= {"name": HOSTILE, "currency": HOSTILE, "costs": {HOSTILE: 1}}
    (TOY.home / "model.yaml").write_text(yaml.safe_dump(card))
    (top / "params.yaml").write_text(
        yaml.safe_dump({"models": {"toy": {"train": {HOSTILE: HOSTILE}, "evaluate": None}}})
    )
    for gate in ("contract", "slices", "drift", "budget"):
        toy_run.judge(top, gate, reason=HOSTILE, figures={HOSTILE: HOSTILE, "list": [{HOSTILE: HOSTILE}]})
    toy_run.judge(top, "contract", reason=HOSTILE, figures={"rows": 1, "quarantined": 1, "reasons": {HOSTILE: 1}})
    found = toy_run.metrics()
    found["groups"] = {HOSTILE: [{**found["groups"]["shape"][0], "group": HOSTILE}]}
    write_json(TOY.evaluation / "metrics.json", found)
    write_json(TOY.evaluation / "importance.json", {HOSTILE: 0.6, "weight": 0.4})
    studied = toy_run.study()
    studied["ablation"]["features"][0]["feature"] = HOSTILE
    write_json(TOY.study / "study.json", studied)
    source = {"file": HOSTILE, "bytes": 1, "sha256": HOSTILE}
    write_json(TOY.provenance, {"package": HOSTILE, "version": HOSTILE, "licence": HOSTILE, "files": {HOSTILE: source}})
    seen = Tags(page_of(top))
    assert {tag for tag, _ in seen.tags} & _HANDS_OFF == set()
    assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
    for section in SECTIONS.keys() - {"quality", "calibration"}:
        assert HOSTILE in seen.sections[section], section
    assert sum(HOSTILE in text for text in seen.texts) > 20


def test_features_that_do_not_earn_their_place_are_told(top: Path) -> None:
    told = Tags(page_of(top)).sections["study"]
    assert "1 of 2 features do not earn their place" in told
    assert "no: better without" in told
    assert "together" in told
    found = toy_run.study()
    write_json(TOY.study / "study.json", {**found, "ablation": {**found["ablation"], "unearned": []}})
    assert "Each of 2 features earns its place" in Tags(page_of(top)).sections["study"]


def test_pictures_show_hostile_names_as_text(top: Path) -> None:
    write_json(TOY.evaluation / "importance.json", {"<b>x</b>": 1.0})
    page = page_of(top)
    assert "&lt;b&gt;x&lt;/b&gt;</text>" in page
    assert "<b>x" not in page


def test_the_page_asks_for_nothing(top: Path) -> None:
    seen = Tags(page_of(top))
    assert set(seen.values("src")) == set()
    assert all(target.startswith("#") or target == "data:," for target in seen.values("href"))
    assert "url(http" not in page_of(top)


def test_ids_are_unique_and_every_reference_leads_somewhere(top: Path) -> None:
    page = page_of(top)
    seen = Tags(page)
    ids = seen.values("id")
    assert len(ids) == len(set(ids))
    wanted = {target[1:] for target in seen.values("href") if target.startswith("#")}
    wanted |= {part.split(")")[0] for part in page.split("url(#")[1:]} | set(seen.values("aria-labelledby"))
    assert wanted <= set(ids)
    assert set(SECTIONS) <= wanted


def test_pictures_and_tables_say_what_they_are(top: Path) -> None:
    seen = Tags(page_of(top))
    pictures = [attributes for tag, attributes in seen.tags if tag == "svg"]
    assert len(pictures) > 8
    assert all(picture["role"] == "img" and picture["aria-label"] and picture["viewbox"] for picture in pictures)
    heads = [attributes.get("scope") for tag, attributes in seen.tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    levels = [int(tag[1]) for tag, _ in seen.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_head_says_whose_model_it_is_and_what_it_was_trained_and_judged_on(top: Path) -> None:
    page = " ".join(Tags(page_of(top)).sections[""].split())
    for said in ("Toys that break", "toys@example.com", "Says which toys break.", "none recorded: first release"):
        assert said in page
    assert "2020-01 to 2020-02 · 5 rows" in page
    assert "2020-03 · 4 rows" in page


def test_a_red_gate_is_named_at_the_top_with_its_reason_first(top: Path) -> None:
    toy_run.package(top)
    toy_run.judge(top, "slices", passed=False, reason="Round toys fare worse.")
    seen = Tags(page_of(top))
    assert "Not packaged: gate slices is red." in seen.sections[""]
    told = seen.sections["verdicts"]
    assert told.index("Round toys fare worse.") < told.index("All is well")
    assert "5eed" not in seen.sections[""]


def test_a_release_is_named_by_its_digest(top: Path) -> None:
    digest = toy_run.package(top)
    assert digest in Tags(page_of(top)).sections[""]


def test_without_a_champion_nothing_is_compared(top: Path) -> None:
    told = Tags(page_of(top)).sections["quality"]
    assert "0.8000 [0.7700, 0.8300]" in " ".join(told.split())
    assert "champion" not in told


def test_with_a_champion_each_measure_says_how_it_changed(top: Path) -> None:
    toy_run.crown(
        top,
        auc={"value": 0.02, "low": 0.01, "high": 0.03},
        average_precision={"value": 0.0, "low": -0.01, "high": 0.01},
        log_loss={"value": 0.02, "low": 0.01, "high": 0.03},
        brier={"value": -0.02, "low": -0.03, "high": -0.01},
    )
    seen = Tags(page_of(top))
    assert toy_run.CHAMPION[:12] in seen.sections[""]
    told = " ".join(seen.sections["quality"].split())
    for line in (
        "AUC (ROC) higher is better 0.8000 [0.7700, 0.8300] +0.0200 [+0.0100, +0.0300] better",
        "0.5000 [0.4700, 0.5300] +0.0000 [-0.0100, +0.0100] no significant difference",
        "Log loss lower is better 0.4000 [0.3700, 0.4300] +0.0200 [+0.0100, +0.0300] worse",
        "Brier score lower is better 0.1500 [0.1200, 0.1800] -0.0200 [-0.0300, -0.0100] better",
    ):
        assert line in told


def test_the_budget_holds_figures_against_their_bounds(top: Path) -> None:
    told = " ".join(Tags(page_of(top)).sections["budget"].split())
    assert "model size 1 MiB 4 MiB 25.0 %" in told
    assert "trees 7 5 140.0 %" in told
    assert "single-row latency on this machine 0.5 ms 2 ms 25.0 %" in told
    TOY.observed.unlink()
    assert "memory – 64 MiB –" in " ".join(Tags(page_of(top)).sections["budget"].split())


def test_a_model_that_costs_more_than_doing_nothing_is_not_praised(top: Path) -> None:
    found = toy_run.metrics()
    found["kpi"] |= {"cost": 1100.0, "saved": -100.0}
    write_json(TOY.evaluation / "metrics.json", found)
    assert "100 more than the better of never and always acting" in " ".join(
        Tags(page_of(top)).sections["cost"].split()
    )


def test_drift_shows_the_figures_nearest_to_their_threshold_and_the_power(top: Path) -> None:
    told = " ".join(Tags(page_of(top)).sections["drift"].split())
    assert "the 25 figures, of 40, that come nearest" in told
    assert "It rings in 0 of 23 weeks without drift." in told
    assert "stuck 9 of 10 90.0 % yes" in told
    assert "figure_39 0.3900 0.5000 78.0 %" in told


@pytest.mark.parametrize("gone", ["drift/reading.json", "verdicts/drift.json"])
def test_a_drift_stage_that_has_not_run_is_said(top: Path, gone: str) -> None:
    (TOY.artifacts / gone).unlink()
    told = Tags(page_of(top)).sections
    assert ("has left no reading" in told["drift"]) == (gone == "drift/reading.json")
    assert ("gate drift is without a verdict" in told[""]) == (gone == "verdicts/drift.json")


@pytest.mark.parametrize(
    "file",
    [
        TOY.evaluation / "metrics.json",
        TOY.evaluation / "curves.json",
        TOY.evaluation / "importance.json",
        TOY.study / "study.json",
        TOY.challenge / "comparison.json",
        TOY.provenance,
        TOY.features / "train_rows.parquet",
        TOY.features / "evaluation_rows.parquet",
    ],
    ids=str,
)
def test_a_missing_artifact_is_named_with_its_remedy_and_no_page_is_written(top: Path, file: Path) -> None:
    file.unlink()
    with pytest.raises(EnvironmentFault, match="make repro") as caught:
        write(TOY, top / "report.html")
    assert str(file) in str(caught.value)
    assert not (top / "report.html").exists()


def test_a_model_without_parameters_has_a_page(top: Path) -> None:
    (top / "params.yaml").write_text("models: {}\n")
    told = Tags(page_of(top)).sections
    assert "On 90 rows that came after the training rows." in told["quality"]
    assert "intervals" not in told["quality"]


@pytest.mark.parametrize("file", [TOY.home / "model.yaml", Path("params.yaml")], ids=str)
@pytest.mark.parametrize("content", [None, "[", "- a list"], ids=["missing", "broken", "no mapping"])
def test_a_broken_configuration_is_named(top: Path, file: Path, content: str | None) -> None:
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(EnvironmentFault) as caught:
        write(TOY, top / "report.html")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("empty", [False, True], ids=["missing", "without figures"])
def test_a_page_is_written_whatever_the_gates_have_left(top: Path, empty: bool) -> None:
    for gate in gates.names():
        TOY.verdict(gate).unlink()
        if empty:
            toy_run.judge(top, gate, passed=False, figures={}, thresholds={})
    told = Tags(page_of(top)).sections
    assert f"0 of {len(gates.names())}" in " ".join(told[""].split())
    assert told["verdicts"].count("✗ red" if empty else "? missing") == len(gates.names())
