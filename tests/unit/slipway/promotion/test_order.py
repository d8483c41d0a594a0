"""What may go where: only what the environment before completed, as the same image, and nothing that was rejected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slipway.adapters.git import Remote
from slipway.promotion import order, promote
from slipway.promotion.order import Promotion, PromotionRefused, Standing
from slipway.release.record import Published, Record
from tests import toy_platform
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, git, means

A, B, _ = RELEASES
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
Change = Callable[[Record], Record]


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    """Staging runs A, and has B for its challenger; production runs A."""
    made = toy_platform.make(tmp_path)
    remote = Remote(made.top, "platform")
    for environment, release, image in (("staging", A, 0), ("production", A, 0), ("staging", B, 1)):
        promote.promote(Promotion(environment, MODEL, release), means(remote, lambda image=image: IMAGES[image]), True)
    return made


def change(toy: ToyPlatform, environment: str, to: Change) -> None:
    """Have somebody, say the canary loop, write an environment's record on main."""
    file = toy.top.parent / "record.yaml"
    file.write_text(toy.record(environment))
    to(Record.read(file)).write(file)
    toy.change_main(f"gitops/envs/{environment}/{MODEL}/release.yaml", file.read_text())


def check(toy: ToyPlatform, release: str = B, image: str = IMAGES[1], environment: str = "production") -> None:
    remote = Remote(toy.top, "platform")
    main = remote.branch("main")
    assert main is not None
    with remote.worktree(main) as top:
        order.check(
            Promotion(environment, MODEL, release), Published(release=release, image=image), Standing(remote, main, top)
        )


@pytest.mark.parametrize("weight", [10, 50, 100])
def test_a_challenger_has_not_completed_at_any_weight(toy: ToyPlatform, weight: int) -> None:
    change(toy, "staging", lambda record: record.advanced(weight))
    with pytest.raises(PromotionRefused, match=f"has not completed .* at {weight} % of the traffic") as caught:
        check(toy)
    assert "Wait until it is the champion of staging" in caught.value.remedy


def test_the_champion_has_completed_and_so_has_an_earlier_one(toy: ToyPlatform) -> None:
    change(toy, "staging", Record.concluded)
    check(toy)
    check(toy, A, IMAGES[0])


def test_what_a_branch_made_of_it_counts_for_nothing(toy: ToyPlatform) -> None:
    """A merged branch on which it was the champion for a commit, but not on main."""
    git(toy.top, "pull", "--quiet", "platform", "main")
    file = toy.top / f"gitops/envs/staging/{MODEL}/release.yaml"
    kept = file.read_text()
    git(toy.top, "checkout", "--quiet", "-b", "side")
    for content in (f"champion: {{release: {B}, image: {IMAGES[1]}}}\nchallenger: null\n", kept):
        file.write_text(content)
        git(toy.top, "commit", "--quiet", "--all", "--message=try")
    git(toy.top, "checkout", "--quiet", "main")
    git(toy.top, "merge", "--quiet", "--no-ff", "--message=merge", "side")
    git(toy.top, "push", "--quiet", "platform", "main")
    with pytest.raises(PromotionRefused, match="has not completed"):
        check(toy)


def test_another_image_of_the_release_has_not_been_there(toy: ToyPlatform) -> None:
    with pytest.raises(PromotionRefused, match=r"held release .* as sha256:1+; its image is sha256:2+ now"):
        check(toy, A, IMAGES[1])


def test_the_champion_of_staging_in_a_new_image_has_to_complete_it(toy: ToyPlatform) -> None:
    """Before it is promoted there, while it rolls out, and not in a third image afterwards."""
    with pytest.raises(PromotionRefused, match=r"held release .* as sha256:1+; its image is sha256:3+ now"):
        check(toy, A, IMAGES[2])
    change(toy, "staging", lambda record: record.promoted(Published(release=A, image=IMAGES[2])).advanced(25))
    with pytest.raises(PromotionRefused, match=r"has not completed .* at 25 % of the traffic"):
        check(toy, A, IMAGES[2])
    change(toy, "staging", Record.concluded)
    check(toy, A, IMAGES[2])
    check(toy, A, IMAGES[0])
    with pytest.raises(PromotionRefused, match=r"held release .* as sha256:3+; its image is sha256:2+ now"):
        check(toy, A, IMAGES[1])


def test_a_challenger_of_staging_in_another_image_is_not_what_is_asked_for(toy: ToyPlatform) -> None:
    with pytest.raises(PromotionRefused, match=r"held release .* as sha256:2+; its image is sha256:3+ now"):
        check(toy, B, IMAGES[2])


def test_a_rejection_is_of_the_image_and_another_one_is_told_of_it(toy: ToyPlatform) -> None:
    change(toy, "staging", lambda record: record.rolled_back("It was slow.", NOW))
    with pytest.raises(PromotionRefused, match=r"staging rejected release .* in image sha256:2+ at .* It was slow\."):
        check(toy, environment="staging")
    check(toy, B, IMAGES[2], environment="staging")
    remote = Remote(toy.top, "platform")
    main = remote.branch("main")
    assert main is not None
    with remote.worktree(main) as top:
        standing, asked = Standing(remote, main, top), Promotion("production", MODEL, B)
        told = order.check_rejected(asked, Published(release=B, image=IMAGES[2]), standing)
        assert told == f"staging rejected it in image {IMAGES[1]} at 2026-11-30 12:00 UTC: It was slow."
        other = Promotion("production", MODEL, A), Published(release=A, image=IMAGES[0])
        assert order.check_rejected(*other, standing) == "No roll-out rejected it."
        assert standing.knows(Promotion("staging", MODEL, B)), "what is new is so in no image"


def test_a_record_that_was_nonsense_for_a_while_hides_nothing(toy: ToyPlatform) -> None:
    kept = toy.record("staging")
    for content in ("champion: nonsense\n", "<<<<<<< HEAD\n", "", kept):
        toy.change_main(f"gitops/envs/staging/{MODEL}/release.yaml", content)
    check(toy, A, IMAGES[0])


@pytest.mark.parametrize("rejecting", ["staging", "production"])
def test_what_was_rejected_goes_nowhere(toy: ToyPlatform, rejecting: str) -> None:
    def reject(record: Record) -> Record:
        beside = record if record.challenger else record.promoted(Published(release=B, image=IMAGES[1]))
        return beside.rolled_back("5.1 % of its answers were errors.", NOW)

    change(toy, "staging", Record.concluded)
    check(toy)
    change(toy, rejecting, reject if rejecting == "production" else reject_champion)
    with pytest.raises(PromotionRefused, match=f"{rejecting} rejected .* at 2026-11-30 12:00 UTC: 5.1 % of") as caught:
        check(toy)
    assert "by a pull request" in caught.value.remedy


def reject_champion(record: Record) -> Record:
    """B was the champion for a while, and was promoted again after another one, and then rejected."""
    again = Record(champion=Published(release=A, image=IMAGES[0]), challenger=None)
    return again.promoted(Published(release=B, image=IMAGES[1])).rolled_back("5.1 % of its answers were errors.", NOW)


def test_staging_takes_what_production_rejected(toy: ToyPlatform) -> None:
    change(
        toy,
        "production",
        lambda record: record.promoted(Published(release=B, image=IMAGES[1])).rolled_back("Slow.", NOW),
    )
    check(toy, environment="staging")


def test_a_model_that_staging_does_not_have(toy: ToyPlatform) -> None:
    git(toy.top, "pull", "--quiet", "platform", "main")
    git(toy.top, "rm", "-r", "--quiet", f"gitops/envs/staging/{MODEL}")
    git(toy.top, "commit", "--quiet", "--message=gone")
    git(toy.top, "push", "--quiet", "platform", "HEAD:main")
    with pytest.raises(PromotionRefused, match=f"staging has no model {MODEL}"):
        check(toy, A, IMAGES[0])


def test_a_shallow_clone_says_that_it_is_one(toy: ToyPlatform, tmp_path: Path) -> None:
    change(toy, "staging", Record.concluded)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{toy.bare}", str(shallow))
    remote = Remote(shallow, "origin")
    main = git(shallow, "rev-parse", "HEAD")
    asked, published = Promotion("production", MODEL, A), Published(release=A, image=IMAGES[0])
    with pytest.raises(PromotionRefused, match="clone is shallow"):
        order.check(asked, published, Standing(remote, main, shallow))
