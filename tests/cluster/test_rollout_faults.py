"""Challengers that are bad in one way each: what becomes of them without anybody's help, and what people notice."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.adapters.registry import Registry
from slipway.release.record import Published
from slipway.rendering.routing import PATIENCE_SECONDS
from tests.cluster import faulty_images
from tests.cluster.load import Answer, Load
from tests.cluster.platform import eventually
from tests.cluster.rollouts import Rollout, Rollouts, Step
from tests.conftest import MODEL

log = logging.getLogger(__name__)

MISSING = f"sha256:{'0' * 64}"
Make = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _as_ever(staging: Rollouts) -> None:
    """A test's own canary.yaml is nobody else's."""
    staging.watch_by()


def _end(rollout: Rollout, load: Load, reason: str) -> Step:
    """What the roll-out came to by itself: taken back, by one commit of two paths that says why. Logs the seconds."""
    *_, last = rollout.until("roll back")
    rollout.quiet(load)
    staging = rollout.of
    eventually(staging.settled, "the cluster is rid of it", 60)
    record = staging.record()
    assert record.challenger is None
    rejected, *_ = record.rejections(rollout.release)
    assert re.search(reason, rejected.reason, re.IGNORECASE), rejected.reason
    assert rejected.reason in last.body or rejected.reason in last.subject, last
    changed = staging.clone.git("diff", "--name-only", f"{last.commit}^", last.commit).splitlines()
    homes = (f"gitops/envs/staging/{MODEL}/release.yaml", f"gitops/rendered/staging/{MODEL}/")
    assert all(path.startswith(homes) for path in changed), changed
    log.info(
        "%s: taken back %d s after the merge: %s", rollout.release[:12], last.at - _merged(rollout), rejected.reason
    )
    return last


def _merged(rollout: Rollout) -> int:
    return rollout.steps[0].at


def _log_exposure(rollout: Rollout, load: Load, last: Step) -> None:
    """How long people met it."""
    met = [answer.at for answer in load.answers if answer.release == rollout.release or answer.planted]
    log.info(
        "%s: first answer %.1f s after the merge; from it to the commit %.1f s, to 0 %% of the traffic %.1f s; "
        "%d of %d answers, planted %d, statuses %s",
        rollout.release[:12], min(met) - _merged(rollout), last.at - min(met), max(met) - min(met), len(met),
        load.total, sum(answer.planted for answer in load.answers), dict(load.counts),
    )  # fmt: skip


def test_errors_are_taken_back(staging: Rollouts, registry: Registry, make: Make) -> None:
    release = make("errors")
    staging.publish(release, faulty_images.push(registry, "errors"))
    load = _taken_back(staging, release, "errors", "are 5xx")
    planted = sum(answer.planted for answer in load.answers)
    own = planted + len(load.of(release.name))
    assert 0.01 < planted / own < 0.15, (planted, own)


@pytest.fixture
def deliberate_champion(staging: Rollouts, registry: Registry, make: Make) -> Iterator[None]:
    """The champion answers in milliseconds instead of a tenth of one."""
    before, release = staging.record(), make("deliberate")
    image = staging.publish(release, faulty_images.push(registry, "deliberate"))
    champion = Published(release=release.name, image=image)
    staging.write(before.model_copy(update={"champion": champion}), "Let staging's champion take its time")
    staging.settle()
    yield
    held = staging.record().model_copy(update={"champion": before.champion})
    staging.write(held, "Let staging have its champion again")
    staging.settle()


@pytest.mark.usefixtures("deliberate_champion")
def test_slowness_is_taken_back(staging: Rollouts, registry: Registry, make: Make) -> None:
    release = make("slow")
    staging.publish(release, faulty_images.push(registry, "slow"))
    _taken_back(staging, release, "latency", "slower than the champion", clients=3)


def test_shifted_scores_are_taken_back(staging: Rollouts, shifted: Path) -> None:
    staging.publish(shifted)
    _taken_back(staging, shifted, "scores", "its scores differ from the champion's")


def _taken_back(staging: Rollouts, release: Path, aspect: str, reason: str, clients: int = 6) -> Load:
    """It is taken back after it has answered people, for that reason alone; nothing else fails."""
    with staging.load(clients) as load:
        load.wait_for(200)
        rollout = staging.promote(release)
        last = _end(rollout, load, reason)
    _log_exposure(rollout, load, last)
    assert {found["aspect"] for found in last.evidence if found["e_value"] >= found["threshold"]} == {aspect}
    assert load.failed() == [], load.counts
    return load


def test_one_that_hangs_now_and_then_is_taken_back(staging: Rollouts, registry: Registry, make: Make) -> None:
    """At its first step, which as people's own lasts longer than the gateway waits for an answer."""
    steps = [{"weight": weight, "requests": 150, "seconds": 120, "limit_seconds": 240} for weight in (10, 100)]
    staging.watch_by(steps=steps)
    release = make("hanging")
    staging.publish(release, faulty_images.push(registry, "hanging"))
    last, failed = _taken_back_from_its_first_step(staging, release, "and never answers")
    assert failed
    assert [found["aspect"] for found in last.evidence if found["e_value"] >= found["threshold"]] == ["errors"]


def test_one_that_hangs_for_ever_is_taken_back(staging: Rollouts, registry: Registry, make: Make) -> None:
    """Whose probes nobody answers either."""
    release = make("stuck")
    staging.publish(release, faulty_images.push(registry, "stuck"))
    _, failed = _taken_back_from_its_first_step(staging, release, "none of its replicas has been ready for")
    assert failed


def test_one_that_flaps_once_it_has_traffic_is_taken_back(staging: Rollouts, registry: Registry, make: Make) -> None:
    staging.watch_by(readiness={"stable_seconds": 12})
    release = make("wobbling")
    staging.publish(release, faulty_images.push(registry, "wobbling"))

    def be_quick(rollout: Rollout) -> None:
        """It may take its time to start, but not to flap."""
        rollout.until("advance", weight=10)
        staging.watch_by(readiness={"stable_seconds": 12, "limit_seconds": 20})

    reason = "not ready for 12 s without a break within 20 s after its step"
    _taken_back_from_its_first_step(staging, release, reason, be_quick)


def _taken_back_from_its_first_step(
    staging: Rollouts, release: Path, reason: str, then: Callable[[Rollout], None] = lambda rollout: None
) -> tuple[Step, list[Answer]]:
    """It is taken back for that reason; what fails meanwhile, which is returned, was sent to it, and to nobody else.

    The gateway answers in its place: by 504 what waits too long, by 503 what is sent to it while it is not ready.
    """
    with staging.load(clients=12) as load:
        load.wait_for(200)
        rollout = staging.promote(release)
        then(rollout)
        last = _end(rollout, load, reason)
    _log_exposure(rollout, load, last)
    assert {step.weight for step in rollout.steps} == {0, 10}
    failed = load.failed()
    assert {answer.status for answer in failed} <= {503, 504}, load.counts
    first = min(answer.at for answer in load.of(release.name))
    assert all(first < answer.at < last.at + PATIENCE_SECONDS + 10 for answer in failed)
    met = [answer for answer in load.answers if first < answer.at <= last.at]
    own = [answer for answer in met if answer.release == release.name or answer.status != 200]
    assert len(own) < 0.2 * len(met), "10 % are its own"
    return last, failed


def test_one_that_crashes_on_start_never_answers(staging: Rollouts, registry: Registry, make: Make) -> None:
    release = make("crash")
    staging.publish(release, faulty_images.push(registry, "crash"))
    _never_answers(staging, lambda: staging.promote(release), "no room for the model")


def test_one_that_flaps_never_answers(staging: Rollouts, registry: Registry, make: Make) -> None:
    staging.watch_by(readiness={"stable_seconds": 12, "limit_seconds": 45})
    release = make("flapping")
    staging.publish(release, faulty_images.push(registry, "flapping"))
    _never_answers(staging, lambda: staging.promote(release), "not ready for 12 s without a break")


def test_one_whose_image_does_not_exist_never_answers(staging: Rollouts, make: Make) -> None:
    """As after a clean-up of the registry that went too far: promoting would not have let it in."""
    staging.watch_by(readiness={"limit_seconds": 30})
    release = make("missing").name
    _never_answers(staging, lambda: _recorded(staging, release, MISSING), "ImagePull.* not found")


def _never_answers(staging: Rollouts, begin: Callable[[], Rollout], reason: str) -> None:
    """It is taken back at 0 %, for that reason, and nobody notices."""
    with staging.load() as load:
        load.wait_for(200)
        rollout = begin()
        last = _end(rollout, load, reason)
    log.info("answers %s", dict(load.counts))
    assert {step.weight for step in rollout.steps} == {0}
    assert load.of(last.release) == []
    assert load.failed() == [], load.counts


def _recorded(staging: Rollouts, release: str, image: str) -> Rollout:
    """Begin a roll-out by hand, as somebody does who pushes to main."""
    trailers = {"Rollout": f"staging/{MODEL}", "Action": "begin", "Release": release, "Image": image}
    trailers["Weight"] = "0"
    message = "\n".join(["By hand", "", *(f"Slipway-{name}: {value}" for name, value in trailers.items())])
    record = staging.record().promoted(Published(release=release, image=image))
    return Rollout(staging, release, staging.write(record, message))


@pytest.fixture
def foreign_image(staging: Rollouts, wrongly_signed: Path) -> str:
    """The image of a release that somebody else signed, published while nobody asked for signatures."""
    return staging.publish(wrongly_signed)


@pytest.fixture
def ring(staging: Rollouts, production: Rollouts, key: Path, foreign_image: str) -> Iterator[None]:
    """The platform demands signatures by the key that signed the champions."""
    folder = staging.clone.top / "gitops/keys"
    staging.clone.pull()
    shutil.copy(key, folder)
    (folder / "keys.yaml").write_text(f"keys:\n  - file: {key.name}\n")
    demanded = staging.clone.push("Demand signatures")
    for each in (staging, production):
        each.settle()
    yield
    staging.clone.pull()
    staging.clone.git("checkout", "--quiet", f"{demanded}^", "--", "gitops/keys")
    (folder / key.name).unlink()
    staging.clone.push("Demand no signatures")
    for each in (staging, production):
        each.settle()


@pytest.mark.usefixtures("ring")
def test_one_with_a_wrong_signature_never_answers(staging: Rollouts, wrongly_signed: Path, foreign_image: str) -> None:
    _never_answers(staging, lambda: _recorded(staging, wrongly_signed.name, foreign_image), "made with another key")
