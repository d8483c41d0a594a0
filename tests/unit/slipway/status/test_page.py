"""The page's content; tests/status looks at it in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.canary.decision import Action, Decision
from slipway.errors import EnvironmentFault
from slipway.status import page
from slipway.status.rollouts import grouped
from slipway.status.standing import Standing, Status, Unasked
from tests import rollouts
from tests.rollouts import HOSTILE, NOON


def status(**changes: object) -> Status:
    fields = {
        "known": rollouts.seen(),
        "past": grouped(rollouts.events(), rollouts.challenger("d" * 64)),
        "rejected": (rollouts.rejected(),),
    }
    found = rollouts.standing(**(fields | changes))  # type: ignore[arg-type]
    return Status("platform", rollouts.COMMIT, (found,), (Unasked("NATS", HOSTILE),))


def test_each_roll_out_has_its_weights_its_times_and_who() -> None:
    html = page.render(status(), NOON)
    articles = re.findall(r"<article.*?</article>", html, re.DOTALL)
    assert len(articles) == 4
    won = articles[2]
    assert re.findall(r"<strong>(\d+ %)</strong>", won) == ["0 %", "10 %", "100 %", "100 %"]
    assert "became champion" in won
    assert won.count("kept 1 min 00 s") == 3
    assert "<code>a010a010a010</code>" in won
    assert "Ada Lovelace" in articles[3]
    assert won.count("<svg") == 1
    assert "<svg" not in articles[3]


def test_the_pairs_of_a_shadow_are_counted() -> None:
    known = rollouts.seen(requests=None, pairs=1234)
    html = page.render(status(known=known, weight=0, settings=rollouts.shadowing(pairs=5000)), NOON)
    assert "; 1,234 of 5,000 pairs</dd>" in html


def test_evidence_stands_in_words_and_figures() -> None:
    lost = re.findall(r"<article.*?</article>", page.render(status(), NOON), re.DOTALL)[1]
    assert re.search(r'<th scope="row">errors</th><td class="bad">81</td><td>60</td>', lost)
    assert "worse than the champion" in lost
    assert "the highest is of latency: an e-value of inf" in lost


def test_the_newest_look_is_drawn_beside_the_decisions() -> None:
    found = rollouts.findings(scores=59.0)
    known = rollouts.seen(decision=Decision(Action.WAIT, 10, "it waits", found))
    article = re.findall(r"<article.*?</article>", page.render(status(known=known), NOON), re.DOTALL)[0]
    assert "at 2 decisions; the highest is of scores: an e-value of 59" in article
    assert ">now<" in article


def test_nothing_of_git_becomes_markup() -> None:
    html = page.render(status(), NOON)
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\\x1b[31mescape" in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4


def test_faults_come_first() -> None:
    html = page.render(status(faults=("release.yaml is <b>nonsense</b>.",)), NOON)
    head = html[: html.index("<main")]
    assert "release.yaml is &lt;b&gt;nonsense&lt;/b&gt;." in head


def test_a_model_without_anything() -> None:
    bare = Status("platform", rollouts.COMMIT, (Standing("staging", "flight_delay", None, None, faults=("gone",)),))
    html = page.render(bare, NOON)
    assert "There was no roll-out yet." in html
    assert "No roll-out is under way" in html


def test_equal_states_give_equal_bytes_and_are_written_whole(tmp_path: Path) -> None:
    page.write(status(), NOON, tmp_path / "page.html")
    first = (tmp_path / "page.html").read_bytes()
    page.write(status(), NOON, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == first
    with pytest.raises(EnvironmentFault):
        page.write(status(), NOON, tmp_path / "page.html" / "below")
