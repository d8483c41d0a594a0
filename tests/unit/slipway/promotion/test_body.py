"""What a pull request says, of the real release beside the real champion: whole Markdown, figures from evidence."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from slipway import gates
from slipway.adapters.git import Remote
from slipway.attestation.examine import Trusted, examine
from slipway.promotion import body
from slipway.promotion.change import Change
from slipway.promotion.order import Promotion
from slipway.promotion.promote import promote
from slipway.promotion.proof import Proof
from slipway.release.record import Published, Record
from slipway.rendering import render, served
from slipway.rendering.canary import Shadow
from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.toy_platform import IMAGES, PUBLISHED, RELEASES, git, means

pytestmark = pytest.mark.usefixtures("release_folder")
AFTER_PACKAGING = {"provenance", "advisories"}


@pytest.fixture(scope="module")
def champion() -> Proof:
    (folder,) = (file.parent for file in (ROOT / "models" / MODEL / "champion").glob("*/manifest.json"))
    return Proof.read(folder)


@pytest.fixture(scope="module")
def proof(release_folder: Path) -> Proof:
    return Proof.read(release_folder, tuple(examine(release_folder, Trusted()).checks))


def changed(release: str, before: Record, environment: str = "production") -> Change:
    now = served.read(environment, MODEL, ROOT)
    was = replace(now, record=before)
    published = Published(release=release, image=IMAGES[0])
    after = replace(now, record=before.promoted(published))
    asked = Promotion(environment, MODEL, release)
    return Change(asked, published, was, after, render.render(was), render.render(after))


def runs(release: str) -> Record:
    return Record(champion=Published(release=release, image=IMAGES[1]), challenger=None)


def written(change: Change, proof: Proof, champion: Proof | None) -> str:
    return body.describe(change, proof, champion).body(lambda name: f"https://example.org/{name}")


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def tables(text: str) -> list[list[list[str]]]:
    """Rows of cells of each table, as a reader of Markdown finds them."""
    found: list[list[list[str]]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and found[-1] and token.level > 3:
            found[-1][-1].append(token.content)
    return found


def test_it_is_whole_markdown(proof: Proof, champion: Proof) -> None:
    text = written(changed(proof.release, runs(champion.release)), proof, champion)
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert titles == [
        "Against the champion", "Verdicts", "Slices that moved", "Drift", "Cost", "What changes in the cluster",
        "How it takes over", "Rolling back",
    ]  # fmt: skip
    found = tables(text)
    assert len(found) == 7
    assert all(len({len(row) for row in rows}) == 1 for rows in found)
    assert "\n\n\n" not in text
    assert "None" not in re.sub(r"None of", "", text)
    assert len(text) < 65_536, "GitHub takes no more"


def test_both_releases_and_images_are_named_whole(proof: Proof, champion: Proof) -> None:
    text = written(changed(proof.release, runs(champion.release)), proof, champion)
    for digest in (proof.release, champion.release, IMAGES[0], IMAGES[1]):
        assert f"`{digest}`" in text


def test_each_gate_has_its_verdict_and_figures_their_intervals(proof: Proof, champion: Proof) -> None:
    text = written(changed(proof.release, runs(champion.release)), proof, champion)
    rows = {row[0]: row for row in tables(section(text, "Verdicts"))[0][1:]}
    assert set(rows) == set(gates.names()) - AFTER_PACKAGING
    assert all(row[1] == "green" for row in rows.values())
    gain = proof.verdicts["challenger"]["figures"]["gain"]
    against = section(text, "Against the champion")
    assert f"{gain['value']:.4f} [{gain['low']:.4f}, {gain['high']:.4f}]" in against
    assert f"Paired on {proof.rows:,} rows with `{proof.compared[:12]}`" in against  # type: ignore[index]
    measures = tables(against)[0]
    assert [row[0] for row in measures[1:]] == ["AUC (ROC)", "average precision", "log loss", "Brier score"]
    interval = r"-?\d\.\d{4} \[-?\d\.\d{4}, -?\d\.\d{4}\]"
    assert all(re.fullmatch(interval, cell) for row in measures[1:] for cell in row[1:])


def test_slices_are_held_against_the_champion_s(proof: Proof, champion: Proof) -> None:
    text = section(written(changed(proof.release, runs(champion.release)), proof, champion), "Slices that moved")
    moved = proof.moved(champion)
    assert [abs(each.by) for each in moved] == sorted((abs(each.by) for each in moved), reverse=True)
    assert [row[0] for row in tables(text)[0][1:]] == [each.name for each in moved[:10]]
    assert "They were judged on different rows" in text
    same = section(written(changed(proof.release, runs(RELEASES[0])), proof, proof), "Slices that moved")
    assert f"0 of {len(proof.moved(proof))} slices are served worse" in same
    assert "on the same rows" in same
    unknown = written(changed(proof.release, runs(RELEASES[0])), proof, None)
    assert "champion's evidence is not at hand" in unknown
    assert f"That is not `{RELEASES[0][:12]}`" in unknown


def test_what_changes_and_how_it_takes_over(proof: Proof, champion: Proof) -> None:
    text = written(changed(proof.release, runs(champion.release)), proof, champion)
    changes = section(text, "What changes in the cluster")
    assert f"SeldonDeployment `flight-delay` changes: `spec.predictors[{proof.release[:8]}-111111]` is new." in changes
    assert f"`spec.rules[0].backendRefs[flight-delay-{proof.release[:8]}-111111]` is new" in changes
    steps = section(text, "How it takes over")
    assert re.findall(r"^- (\d+) %", steps, re.MULTILINE) == ["0", "10", "25", "50", "100"]
    assert "probability of at most 5%" in steps
    assert f"champion `{champion.release[:12]}` has all of the traffic again" in section(text, "Rolling back")


def test_a_first_champion(proof: Proof) -> None:
    nothing = Record(champion=None, challenger=None)
    text = written(changed(proof.release, nothing, "staging"), proof, None)
    assert "gets all of the traffic as soon as it is ready" in text
    assert "leaves nothing that is served" in text
    assert "SeldonDeployment `flight-delay` is new." in text
    assert tables(text)[0][1][0] == "**champion** to be, at 100 %"


def test_a_roll_out_under_way_is_named(proof: Proof, champion: Proof) -> None:
    under_way = runs(champion.release).promoted(Published(release=RELEASES[1], image=IMAGES[2])).advanced(25)
    text = written(changed(proof.release, under_way), proof, champion)
    assert f"**A roll-out is under way:** challenger `{RELEASES[1][:12]}` has 25 % of the traffic" in text
    assert f"the roll-out of `{RELEASES[1][:12]}` goes on at 25 %" in text
    assert f"`spec.predictors[{RELEASES[1][:8]}-333333]` goes" in text


def test_another_image_of_the_champion_s_release_is_called_so(proof: Proof) -> None:
    """And what was rejected of the release in other images."""
    before = runs(proof.release)
    assert "Rejected in another image" not in written(changed(proof.release, before), proof, proof)
    third = before.promoted(Published(release=proof.release, image=IMAGES[2]))
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    text = written(changed(proof.release, third.rolled_back("It was <slow>.", noon)), proof, proof)
    assert "**The same release in another image:**" in text
    assert [row[0] for row in tables(text)[0][1:]] == ["**challenger** to be, at 0 %", "champion beside it"]
    assert (
        f"took image `{IMAGES[2]}` of this release back in production at 2026-11-30 12:00 UTC: It was &lt;slow>."
        in text
    )
    steps = section(text, "How it takes over")
    assert re.findall(r"^- (\d+) %", steps, re.MULTILINE) == ["0", "10", "25", "50", "100"]


def test_a_shadow_comes_first(proof: Proof, champion: Proof) -> None:
    change = changed(proof.release, runs(champion.release))
    shadow = Shadow(percent=20, pairs=1000, differing=0.01, tolerance=1e-6, limit_seconds=600)
    canary = change.after.canary.model_copy(update={"shadow": shadow})
    shadowed = replace(change, after=replace(change.after, canary=canary))
    assert "Copies of 20 % of the requests first; 1,000 pairs" in written(shadowed, proof, champion)


def test_what_files_say_calls_nobody_and_draws_nothing(proof: Proof, champion: Proof) -> None:
    hostile = "@acme/everybody <img src=x> | a\nb"
    verdicts = {**proof.verdicts, "policy": {**proof.verdicts["policy"], "reason": hostile}}
    text = written(changed(proof.release, runs(champion.release)), replace(proof, verdicts=verdicts), champion)
    assert "@acme" not in text
    assert "<img" not in text
    assert len({len(row) for row in tables(section(text, "Verdicts"))[0]}) == 1
    assert re.sub(r"@<!-- -->", "", text).count("<") == 0


def test_a_red_verdict_would_be_seen(proof: Proof, champion: Proof) -> None:
    verdicts = {**proof.verdicts, "skew": {**proof.verdicts["skew"], "passed": False}}
    text = written(changed(proof.release, runs(champion.release)), replace(proof, verdicts=verdicts), champion)
    assert ["skew", "**RED**"] in [row[:2] for row in tables(section(text, "Verdicts"))[0]]


def test_pictures_stand_alone_and_are_equal_for_equal_evidence(proof: Proof, champion: Proof) -> None:
    change = changed(proof.release, runs(champion.release))
    drawn, again = (body.describe(change, proof, champion).pictures for _ in range(2))
    assert drawn == again
    assert set(drawn) == {"reliability.svg", "slices.svg", "drift.svg", "weeks.svg"}
    text = written(change, proof, champion)
    for name, content in drawn.items():
        root = ElementTree.fromstring(content)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        used = set(re.findall(r"var\((--[a-z]+)\)", content.decode()))
        assert all(content.decode().count(f"{variable}:#") == 2 for variable in used), "once for light, once for dark"
        assert f"](https://example.org/{name})" in text
    plain = body.describe(change, proof, champion).body(lambda _: None)
    assert "![" not in plain
    assert f"git fetch REMOTE {change.asked.pictures}" in plain


def test_a_release_older_than_its_sections_is_described_all_the_same(champion: Proof) -> None:
    text = written(changed(champion.release, runs(RELEASES[0])), champion, None)
    assert all(len({len(row) for row in rows}) == 1 for rows in tables(text))


def _trailers(release: str) -> str:
    return f"Slipway-Release: {release}\nSlipway-Image: {PUBLISHED[release].image}"


def test_the_command_takes_back_one_image_of_a_release_and_not_the_other(tmp_path: Path) -> None:
    toy, a = toy_platform.make(tmp_path), RELEASES[0]
    remote, asked = Remote(toy.top, "platform"), Promotion("staging", MODEL, a)
    for image in IMAGES[:2]:
        promote(asked, means(remote, lambda image=image: image), True)
    before = toy.on("main~1", f"gitops/envs/staging/{MODEL}/release.yaml")
    git(toy.top, "pull", "--quiet", "platform", "main")
    now = served.read("staging", MODEL, toy.top)
    published = Published(release=a, image=IMAGES[1])
    command = body.revert(Change(asked, published, now, now, {}, {}))
    subprocess.run(["bash", "-c", command], cwd=toy.top, check=True, capture_output=True)
    assert (toy.top / "gitops/envs/staging" / MODEL / "release.yaml").read_text().strip() == before


def test_the_command_takes_back_a_roll_out_however_far_it_is(tmp_path: Path) -> None:
    toy, (a, b, _) = toy_platform.make(tmp_path), RELEASES
    remote = Remote(toy.top, "platform")
    for release, image in ((a, IMAGES[0]), (b, IMAGES[1])):
        promote(Promotion("staging", MODEL, release), means(remote, lambda image=image: image), True)
    before = toy.on("main~1", f"gitops/envs/staging/{MODEL}/release.yaml")
    git(toy.top, "pull", "--quiet", "platform", "main")
    file = toy.top / "gitops/envs/staging" / MODEL / "release.yaml"
    for step in (lambda record: record.advanced(10), lambda record: record.advanced(50), Record.concluded):
        step(Record.read(file)).write(file)
        git(toy.top, "commit", "--quiet", "--all", f"--message=step\n\n{_trailers(b)}")
    git(toy.top, "commit", "--quiet", "--allow-empty", f"--message=of another model\n\n{_trailers(b)}")
    served_by = served.read("staging", MODEL, toy.top)
    command = body.revert(Change(Promotion("staging", MODEL, b), PUBLISHED[b], served_by, served_by, {}, {}))
    subprocess.run(["bash", "-c", command], cwd=toy.top, check=True, capture_output=True)
    assert file.read_text().strip() == before
    assert render.differences("staging", MODEL, toy.top) == []
