"""What a person reads, at the width of a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Readiness
from slipway.release.record import Published
from slipway.status import terminal
from slipway.status.standing import Application, Status, Unasked
from tests import rollouts
from tests.rollouts import NOON
from tests.toy_platform import IMAGES, RELEASES


def printed(status: Status, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(terminal.shown(status, NOON, width))
    return console.file.getvalue()  # type: ignore[attr-defined]


def one(**changes: object) -> Status:
    return Status("platform", rollouts.COMMIT, (rollouts.standing(**changes),))  # type: ignore[arg-type]


def test_a_roll_out_is_told_in_one_line_and_then_in_full() -> None:
    lines = printed(one(known=rollouts.seen())).splitlines()
    row = lines[1].split()
    assert row == ["production/flight_delay", "a" * 12, "b" * 12, "10", "%", "waits"]
    text = "\n".join(lines)
    assert "waits: 1,234 of 2,000 requests at 10 %" in text
    assert "step 1 of 4 since 2026-11-30T11:59:00Z, 1 min 00 s, began 2026-11-30T11:58:00Z; 1,234 of 2,000 req" in text
    assert "challenger: 2 of 2 ready for 1 min 30 s" in text
    assert "Argo CD: Synced, Healthy" in text
    for aspect in ("errors", "latency", "scores"):
        assert [aspect, "0.5", "60", "0.10%", "5.10%"] in [line.split() for line in lines]
        assert f"{aspect}: nothing against it; {aspect} of 1,234 requests" in text


@pytest.mark.parametrize(("pairs", "said"), [(1234, "1,234"), (0, "0"), (None, "?")])
def test_at_0_percent_a_shadow_has_pairs(pairs: int | None, said: str) -> None:
    known = rollouts.seen(requests=None, pairs=pairs)
    (standing,) = one(known=known, weight=0, settings=rollouts.shadowing(pairs=5000)).standings
    assert terminal.progress(standing, NOON) == (
        "shadow, before the first step since 2026-11-30T11:59:00Z, 1 min 00 s, began 2026-11-30T11:58:00Z; "
        f"{said} of 5,000 pairs"
    )


def test_at_0_percent_without_a_shadow_nothing_is_counted() -> None:
    (standing,) = one(weight=0).standings
    assert terminal.progress(standing, NOON).endswith(", began 2026-11-30T11:58:00Z")


def test_what_is_wrong_is_told() -> None:
    down = Readiness(2, 1, None, 3, "ImagePullBackOff: no such image")
    known = rollouts.seen(
        Action.ROLL_BACK,
        challenger=down,
        application=Application("OutOfSync", "Degraded", "one pod crashes"),
        decision=Decision(Action.ROLL_BACK, 0, "more errors", rollouts.findings(errors=80.0)),
    )
    text = printed(one(known=known))
    assert "is rolled back: more errors" in text
    assert "challenger: 1 of 2 ready after 3 restarts: ImagePullBackOff: no such image" in text
    assert "Argo CD: OutOfSync, Degraded; one pod crashes" in text
    assert "worse than the champion" in text


def test_who_was_not_asked_is_named_with_the_reason() -> None:
    status = Status("platform", rollouts.COMMIT, (rollouts.standing(),), (Unasked("Prometheus", "there is none"),))
    text = printed(status)
    assert "Prometheus: there is none" in text
    assert "? of 2,000" in text
    assert "could not be asked" in text


def test_words_from_git_stay_words() -> None:
    text = printed(one(rejected=(rollouts.rejected(),)))
    assert "[red]markup[/red]" in text
    assert "\x1b" not in text
    assert f"rejected {RELEASES[2][:12]} in image 333333333333 at 2026-11-29T12:00:00Z" in text


def test_two_images_of_one_release_are_told_apart() -> None:
    champion = Published(release=RELEASES[1], image=IMAGES[0])
    record = rollouts.rollout().record.model_copy(update={"champion": champion})
    text = printed(one(record=record))
    assert f"{RELEASES[1][:12]} 111111" in text
    assert f"{RELEASES[1][:12]} 222222" in text
    assert "222222" not in printed(one())


@pytest.mark.parametrize("width", [60, 80, 200])
def test_nothing_is_lost_in_a_narrow_terminal(width: int) -> None:
    text = printed(one(known=rollouts.seen(), rejected=(rollouts.rejected(),)), width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    for word in ("e-value", "threshold", "latency", "rejected", "10 %    waits"):
        assert word in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert terminal.duration(seconds) == said
