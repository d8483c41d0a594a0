"""Promotion on a plain Git remote: one commit, two paths, in order, and never in the user's checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from slipway.adapters.git import GitFault, Remote, RemoteMoved
from slipway.adapters.registry import NotInRegistry
from slipway.errors import UsageError
from slipway.promotion import promote as promotion
from slipway.promotion.order import Promotion, PromotionRefused
from slipway.promotion.promote import Promoted, champion
from slipway.release.record import Published
from slipway.rendering import render
from tests import toy_platform
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, git, means

ELSEWHERE = f"champion:\n  release: {'f' * 64}\n  image: null\nchallenger: null\n"
A, B, C = RELEASES
OF = dict(zip(RELEASES, IMAGES, strict=True))
Promote = Callable[..., Promoted]


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path, ELSEWHERE)


@pytest.fixture
def remote(toy: ToyPlatform) -> Remote:
    return Remote(toy.top, "platform")


@pytest.fixture
def promote(remote: Remote) -> Promote:
    def promoted(environment: str, release: str = A, merge: bool = False) -> Promoted:
        return promotion.promote(Promotion(environment, MODEL, release), means(remote, lambda: OF[release]), merge)

    return promoted


def checkout(toy: ToyPlatform) -> tuple[str, ...]:
    """All that a user sees of a clone."""
    seen = [("status", "--porcelain"), ("branch", "--verbose"), ("stash", "list"), ("worktree", "list")]
    return tuple(git(toy.top, *command) for command in seen)


def trailers(toy: ToyPlatform, branch: str) -> dict[str, str]:
    """The trailers of a branch's newest commit, as Git reads them."""
    lines = git(toy.bare, "log", "-1", "--format=%(trailers:only,unfold)", branch).splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def test_a_branch_has_one_commit_of_two_paths(toy: ToyPlatform, promote: Promote) -> None:
    (toy.top / "params.yaml").write_text("not committed\n")
    git(toy.top, "checkout", "--quiet", "-b", "work")
    main, before = toy.commit("main"), checkout(toy)
    done = promote("staging")
    assert checkout(toy) == before
    assert done.branch == f"promote/staging/{MODEL}/{A[:12]}"
    assert (done.role, done.already, done.commit) == ("champion", False, toy.commit(done.branch))
    assert toy.commit("main") == main == toy.commit(f"{done.branch}^")
    changed = git(toy.bare, "diff", "--name-only", "main", done.branch).splitlines()
    assert changed[0] == f"gitops/envs/staging/{MODEL}/release.yaml"
    assert {Path(name).parent for name in changed[1:]} == {render.rendered("staging", MODEL)}
    assert yaml.safe_load(toy.record("staging", done.branch))["champion"] == {"release": A, "image": IMAGES[0]}
    said = git(toy.bare, "log", "-1", "--format=%an%n%B", done.branch)
    assert said.startswith(f"Somebody\nPromote {MODEL} {A[:12]} to staging as champion\n")
    assert trailers(toy, done.branch) == {
        "Slipway-Image": IMAGES[0],
        "Slipway-Rollout": f"staging/{MODEL}",
        "Slipway-Action": "begin",
        "Slipway-Release": A,
        "Slipway-Weight": "100",
    }


def test_what_is_rendered_is_what_render_makes(toy: ToyPlatform, promote: Promote) -> None:
    promote("staging", merge=True)
    git(toy.top, "pull", "--quiet", "platform", "main")
    assert render.held(toy.top / render.rendered("staging", MODEL)) != {}
    assert render.differences("staging", MODEL, toy.top) == []


def test_doing_it_twice_changes_nothing(toy: ToyPlatform, promote: Promote) -> None:
    first, second = promote("staging"), promote("staging")
    assert (second.already, second.commit, second.branch) == (True, first.commit, first.branch)
    merged = promote("staging", merge=True)
    assert (merged.branch, merged.commit, merged.already) == ("main", first.commit, False)
    assert toy.branches() == {"main"}, "the merged branch is gone"
    again = promote("staging", merge=True)
    assert (again.already, again.branch, again.commit) == (True, "main", merged.commit)
    assert promote("staging").branch == "main"


def test_what_runs_is_what_main_says(remote: Remote, promote: Promote) -> None:
    asked = Promotion("staging", MODEL, A)
    assert champion(asked, remote) is None
    promote("staging")
    assert champion(asked, remote) is None, "it is on a branch only"
    merged = promote("staging", merge=True)
    assert champion(asked, remote) == Published(release=A, image=merged.image)


def test_a_branch_that_main_left_behind_is_made_anew(toy: ToyPlatform, promote: Promote) -> None:
    first = promote("staging")
    moved = toy.change_main("docs/page.md", "text\n")
    second = promote("staging")
    assert second.branch == first.branch
    assert second.commit != first.commit
    assert toy.commit(f"{second.branch}^") == moved


def test_the_champion_in_another_image_is_a_challenger(toy: ToyPlatform, remote: Remote, promote: Promote) -> None:
    promote("staging", A, merge=True)
    again = promotion.promote(Promotion("staging", MODEL, A), means(remote, lambda: IMAGES[2]), True)
    assert (again.role, again.image, again.already) == ("challenger", IMAGES[2], False)
    record = yaml.safe_load(toy.record("staging"))
    assert record["champion"] == {"release": A, "image": IMAGES[0]}
    assert record["challenger"] == {"release": A, "image": IMAGES[2], "weight": 0}
    assert f"Beside champion {A[:12]} in image {IMAGES[0]}." in git(toy.bare, "log", "-1", "--format=%B", "main")
    assert trailers(toy, "main")["Slipway-Image"] == IMAGES[2]
    twice = promotion.promote(Promotion("staging", MODEL, A), means(remote, lambda: IMAGES[2]), True)
    assert (twice.role, twice.already) == ("challenger", True)


def test_production_takes_what_staging_completed(toy: ToyPlatform, promote: Promote) -> None:
    with pytest.raises(PromotionRefused, match=f"staging never held release {A[:12]}") as caught:
        promote("production")
    assert caught.value.exit_code == 1
    assert "--to staging" in caught.value.remedy
    promote("staging")
    with pytest.raises(PromotionRefused):
        promote("production")  # a branch that nobody merged counts for nothing
    promote("staging", merge=True)
    done = promote("production", merge=True)
    assert done.role == "champion"
    assert "In place of " + "f" * 64 in git(toy.bare, "log", "-1", "--format=%B", "main")
    assert yaml.safe_load(toy.record("production"))["champion"]["release"] == A


def test_the_next_release_is_a_challenger_without_traffic(toy: ToyPlatform, promote: Promote) -> None:
    promote("staging", A, merge=True)
    done = promote("staging", B, merge=True)
    assert done.role == "challenger"
    record = yaml.safe_load(toy.record("staging"))
    assert record["champion"]["release"] == A
    assert record["challenger"] == {"release": B, "image": IMAGES[1], "weight": 0}
    route = yaml.safe_load(toy.on("main", f"gitops/rendered/staging/{MODEL}/httproute.yaml"))
    assert [it["weight"] for it in route["spec"]["rules"][0]["backendRefs"]] == [100, 0]
    assert trailers(toy, "main")["Slipway-Weight"] == "0"
    newer = promote("staging", C, merge=True)
    assert newer.role == "challenger"
    said = git(toy.bare, "log", "-1", "--format=%B", "main")
    assert f"Beside champion {A[:12]}.\nIn place of challenger {B[:12]}, whose roll-out was at 0 %." in said
    assert yaml.safe_load(toy.record("staging"))["challenger"]["release"] == C


def test_what_is_not_in_the_registry(toy: ToyPlatform, remote: Remote) -> None:
    def absent() -> str:
        raise NotInRegistry("Release is not in the registry.", "Publish it.")

    before = toy.branches(), checkout(toy)
    with pytest.raises(NotInRegistry):
        promotion.promote(Promotion("staging", MODEL, A), means(remote, absent), False)
    assert (toy.branches(), checkout(toy)) == before


def test_a_remote_that_moves_meanwhile_is_begun_with_again(toy: ToyPlatform, remote: Remote) -> None:
    moved: list[str] = []

    def moving() -> str:
        if len(moved) < 2:
            moved.append(toy.change_main(f"docs/{len(moved)}.md", "text\n"))
        return IMAGES[0]

    done = promotion.promote(Promotion("staging", MODEL, A), means(remote, moving), True)
    assert toy.commit("main") == done.commit
    assert toy.commit("main^") == moved[-1]


def test_a_remote_that_moves_all_the_time(toy: ToyPlatform, remote: Remote) -> None:
    def moving() -> str:
        toy.change_main("docs/page.md", git(toy.bare, "rev-parse", "main"))
        return IMAGES[0]

    with pytest.raises(RemoteMoved, match="has other commits on main"):
        promotion.promote(Promotion("staging", MODEL, A), means(remote, moving), True)
    assert "promote" not in toy.record("staging")
    assert toy.branches() == {"main"}


def test_another_repository(toy: ToyPlatform, promote: Promote, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    other = toy_platform.make(tmp_path / "others", "champion: null\nchallenger: null\n")
    git(toy.top, "remote", "set-url", "platform", str(other.bare))
    with pytest.raises(GitFault, match="it is another repository"):
        promote("staging")


def test_an_empty_remote(toy: ToyPlatform, promote: Promote, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    git(toy.top, "remote", "set-url", "platform", str(tmp_path / "empty.git"))
    with pytest.raises(GitFault, match="has no branch main"):
        promote("staging")


def test_what_the_remote_does_not_know(promote: Promote, remote: Remote) -> None:
    with pytest.raises(UsageError, match="There is no environment 'qa'"):
        promote("qa")
    with pytest.raises(UsageError, match="staging has no model 'nope'"):
        promotion.promote(Promotion("staging", "nope", A), means(remote, lambda: IMAGES[0]), False)


@pytest.mark.parametrize("content", ["champion: nonsense\n", "<<<<<<< HEAD\n", ""])
def test_a_record_that_somebody_broke(toy: ToyPlatform, promote: Promote, content: str) -> None:
    toy.change_main(f"gitops/envs/staging/{MODEL}/release.yaml", content)
    before = toy.branches(), toy.commit("main")
    with pytest.raises(UsageError, match=r"release\.yaml"):
        promote("staging")
    assert (toy.branches(), toy.commit("main")) == before


def test_a_killed_run_leaves_nothing_that_the_next_one_minds(toy: ToyPlatform, promote: Promote) -> None:
    folder = toy.top.parent / "gone"
    git(toy.top, "worktree", "add", "--quiet", "--detach", str(folder))
    subprocess.run(["rm", "-r", str(folder)], check=True)
    promote("staging")
    assert "gone" not in git(toy.top, "worktree", "list")
