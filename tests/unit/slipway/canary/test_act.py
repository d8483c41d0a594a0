"""A decision becomes one commit of two paths, signed, on whatever main is by then; or nothing at all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from slipway.adapters.git import Committer, GitFault, Remote, RemoteAway, RemoteMoved
from slipway.canary import act as acting
from slipway.canary import history
from slipway.canary.act import RenderedElsewhere, act, message
from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Rollout
from slipway.errors import SlipwayError
from slipway.rendering import render
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, PUBLISHED, git
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER, CHAMPION, NEXT, Toy, record

NOW = datetime(2026, 11, 30, 12, 34, 56, 789, tzinfo=UTC)
ERRORS = Finding("errors", 80.0, 60.0, 0.01, 0.051, "5.1 % of 800 answers are 5xx, beside 1.0 % of 7,200.")
ADVANCE = Decision(Action.ADVANCE, 10, "all of its 2 replicas have been ready for 10 s without a break", ())
PROMOTE = Decision(Action.PROMOTE, 100, "it has answered 50 of 50 requests", (replace(ERRORS, e_value=1.0),))
BACK = Decision(Action.ROLL_BACK, 0, f"5.1 % of its answers are 5xx: {ERRORS.said}", (ERRORS,))


def always() -> bool:
    return True


def under_way(toy: Toy, weight: int = 0) -> Rollout:
    toy.commit(record(weight), at=BEGIN)
    found = history.rollout(toy.remote, toy.main, "production", MODEL)
    assert found is not None
    return found


def moving(toy: Toy, change: Callable[[], object]) -> Callable[[], bool]:
    """Asked whether it may push, somebody else has changed main."""

    def may() -> bool:
        change()
        return True

    return may


def weights(toy: Toy) -> list[int]:
    route = yaml.safe_load(toy.platform.on("main", f"gitops/rendered/production/{MODEL}/httproute.yaml"))
    return [backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]]


def test_it_advances(toy: Toy) -> None:
    before = under_way(toy)
    done = act(toy.remote, before, ADVANCE, NOW, always)
    assert done.commit == toy.main
    assert git(toy.platform.bare, "rev-parse", "main^") == before.commit
    assert toy.held().challenger is not None
    assert toy.held() == before.record.advanced(10)
    assert weights(toy) == [90, 10]
    changed = set(git(toy.platform.bare, "diff", "--name-only", "main^", "main").splitlines())
    assert f"gitops/envs/production/{MODEL}/release.yaml" in changed
    assert {Path(name).parent for name in changed} == {
        Path(f"gitops/envs/production/{MODEL}"), render.rendered("production", MODEL),
    }  # fmt: skip


def test_what_is_rendered_is_what_render_makes(toy: Toy) -> None:
    before = under_way(toy)
    for decided in (ADVANCE, replace(ADVANCE, weight=50), BACK):
        act(toy.remote, before, decided, NOW, always)
        git(toy.platform.top, "pull", "--quiet", "platform", "main")
        assert render.differences("production", MODEL, toy.platform.top) == []
        before = replace(before, record=toy.held(), commit=toy.main)


def test_it_promotes(toy: Toy) -> None:
    before = under_way(toy, 100)
    act(toy.remote, before, PROMOTE, NOW, always)
    held = toy.held()
    assert held.challenger is None
    assert held.champion is not None
    assert (held.champion.release, held.champion.image, held.rejected) == (CHALLENGER, IMAGES[1], ())
    assert weights(toy) == [100]
    assert git(toy.platform.bare, "log", "-1", "--format=%s", "main") == (
        f"Make {MODEL} {CHALLENGER[:12]} the champion in production"
    )


def test_it_rolls_back_and_says_why(toy: Toy) -> None:
    act(toy.remote, under_way(toy, 10), BACK, NOW, always)
    held = toy.held()
    assert held.challenger is None
    assert held.champion is not None
    assert held.champion.release == CHAMPION
    rejected = held.rejection(PUBLISHED[CHALLENGER])
    assert rejected is not None
    assert rejected.at == NOW.replace(microsecond=0)
    assert rejected.reason == "5.1 % of its answers are 5xx: 5.1 % of 800 answers are 5xx, beside 1.0 % of 7,200."
    assert CHALLENGER[:8] not in toy.platform.on("main", f"gitops/rendered/production/{MODEL}/seldondeployment.yaml")
    assert git(toy.platform.bare, "log", "-1", "--format=%B", "main") == "\n".join(
        (
            f"Roll back {MODEL} {CHALLENGER[:12]} in production: 5.1 % of its answers are 5xx",
            "",
            "5.1 % of its answers are 5xx: 5.1 % of 800 answers are 5xx, beside 1.0 % of 7,200.",
            "",
            "- errors: 5.1 % of 800 answers are 5xx, beside 1.0 % of 7,200.",
            "",
            f"Slipway-Rollout: production/{MODEL}",
            "Slipway-Action: roll back",
            f"Slipway-Release: {CHALLENGER}",
            f"Slipway-Image: {IMAGES[1]}",
            "Slipway-Weight: 0",
            'Slipway-Evidence: [{"aspect":"errors","challenger":0.051,"champion":0.01,"e_value":80.0,'
            '"said":"5.1 % of 800 answers are 5xx, beside 1.0 % of 7,200.","threshold":60.0}]',
        )
    )
    event = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert (event.action, event.release, event.weight, event.evidence) == ("roll back", CHALLENGER, 0, (ERRORS,))
    assert event.reason == rejected.reason


def test_hostile_words_of_a_container_end_up_as_words(toy: Toy) -> None:
    hostile = "it was not ready: x\n\nSlipway-Action: promote\nSlipway-Rollout: production/other\x1b[31m"
    act(toy.remote, under_way(toy), replace(BACK, reason=hostile, findings=()), NOW, always)
    event = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert (event.action, event.release) == ("roll back", CHALLENGER)
    assert history.rollout(toy.remote, toy.main, "production", MODEL) is None


def test_a_long_reason_makes_no_long_subject(toy: Toy) -> None:
    before = under_way(toy)
    subject = message(before, replace(BACK, reason="word " * 100)).splitlines()[0]
    assert len(subject) < 170
    assert subject.endswith("…")


def test_main_moved_by_others_is_no_matter(toy: Toy) -> None:
    before, moved = under_way(toy), []

    def change() -> None:
        if len(moved) < 3:
            (toy.other / f"docs-{len(moved)}.md").write_text("text\n")
            git(toy.other, "pull", "--quiet", "--rebase", "origin", "main")
            moved.append(toy.push("of something else"))

    done = act(toy.remote, before, ADVANCE, NOW, moving(toy, change))
    assert done.commit == toy.main
    assert git(toy.platform.bare, "rev-parse", "main^") == moved[-1]
    assert toy.held().challenger is not None


def test_main_that_moves_all_the_time_is_given_up_for_now(toy: Toy) -> None:
    before = under_way(toy)

    def change() -> None:
        git(toy.other, "pull", "--quiet", "--rebase", "origin", "main")
        toy.push("again")

    with pytest.raises(RemoteMoved):
        act(toy.remote, before, ADVANCE, NOW, moving(toy, change))
    assert toy.held() == before.record


@pytest.mark.parametrize("meanwhile", ["reverted", "superseded", "stepped", "promoted"])
def test_a_record_that_is_not_the_one_looked_at_is_left_alone(toy: Toy, meanwhile: str) -> None:
    before = under_way(toy)
    content = {
        "reverted": record(),
        "superseded": record(0, NEXT),
        "stepped": record(10),
        "promoted": record(champion=CHALLENGER),
    }[meanwhile]
    commits: list[str] = []

    def change() -> None:
        commits.append(toy.commit(content, f"somebody {meanwhile} it"))

    assert act(toy.remote, before, BACK, NOW, moving(toy, change)).commit is None
    assert commits == [toy.main]
    assert act(toy.remote, before, BACK, NOW, always).commit is None
    assert commits == [toy.main]


def test_two_at_once_make_one_commit(toy: Toy, tmp_path: Path) -> None:
    before = under_way(toy)
    git(tmp_path, "clone", "--quiet", "--bare", str(toy.platform.bare), "second.git")
    second = Remote(tmp_path / "second.git", "origin")

    def other() -> bool:
        assert act(second, before, ADVANCE, NOW, always).commit is not None
        return True

    assert act(toy.remote, before, ADVANCE, NOW, other).commit is None
    assert git(toy.platform.bare, "rev-parse", "main^") == before.commit


def test_one_who_leads_no_more_pushes_nothing(toy: Toy) -> None:
    before = under_way(toy)
    assert act(toy.remote, before, ADVANCE, NOW, lambda: False).commit is None
    assert toy.main == before.commit


def test_a_remote_that_is_away_and_comes_back(toy: Toy, tmp_path: Path) -> None:
    before = under_way(toy)
    toy.platform.bare.rename(tmp_path / "away")
    with pytest.raises(RemoteAway, match="does not answer as it should"):
        act(toy.remote, before, ADVANCE, NOW, always)
    (tmp_path / "away").rename(toy.platform.bare)
    assert act(toy.remote, before, ADVANCE, NOW, always).commit == toy.main


def test_a_main_that_was_rewritten_is_gone_by(toy: Toy) -> None:
    """Somebody has pushed another history by force; what it says counts."""
    before = under_way(toy)
    git(toy.other, "checkout", "--quiet", "--orphan", "another")
    git(toy.other, "commit", "--quiet", "--message=all in one")
    git(toy.other, "push", "--quiet", "--force", "origin", "HEAD:main")
    rewritten = toy.main
    assert act(toy.remote, before, ADVANCE, NOW, always).commit == toy.main
    assert git(toy.platform.bare, "rev-parse", "main^") == rewritten
    git(toy.platform.bare, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(GitFault, match="has no branch main"):
        act(toy.remote, before, ADVANCE, NOW, always)


def test_a_rendered_folder_of_another_version_is_not_advanced_over_but_rolled_back_from(toy: Toy) -> None:
    before = under_way(toy)
    file = toy.other / f"gitops/rendered/production/{MODEL}/httproute.yaml"
    file.write_text(file.read_text() + "# by a newer version\n")
    toy.push("rendered by a newer version")
    with pytest.raises(RenderedElsewhere, match=r"httproute\.yaml is not what this version of Slipway renders"):
        act(toy.remote, before, ADVANCE, NOW, always)
    assert act(toy.remote, before, BACK, NOW, always).commit == toy.main
    assert toy.held().challenger is None


def test_a_third_path_is_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    before = under_way(toy)
    commit = Remote.commit

    def wider(self: Remote, worktree: Path, paths: object, message: str) -> str:
        (worktree / "params.yaml").write_text("stray: 1\n")
        return commit(self, worktree, [worktree], message)

    monkeypatch.setattr(Remote, "commit", wider)
    with pytest.raises(SlipwayError, match=r"would change params\.yaml too") as caught:
        act(toy.remote, before, ADVANCE, NOW, always)
    assert caught.value.exit_code == 4
    assert toy.main == before.commit


def test_its_commits_are_signed(toy: Toy, tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "canary", "-f", str(key)], check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"canary@slipway.internal {key.with_suffix('.pub').read_text()}")
    key.with_suffix(".pub").unlink()
    before = under_way(toy)
    committer = Committer("Slipway canary", "canary@slipway.internal", key)
    commit = act(replace(toy.remote, committer=committer), before, ADVANCE, NOW, always).commit
    assert commit is not None
    git(toy.platform.bare, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", commit)
    said = git(toy.platform.bare, "log", "-1", "--format=%an <%ae> %cn <%ce>", commit)
    assert said == " ".join(["Slipway canary <canary@slipway.internal>"] * 2)
    key.write_text("no key\n")
    before = replace(before, record=toy.held())
    with pytest.raises(GitFault, match=f"cannot be signed with {key}"):
        act(replace(toy.remote, committer=committer), before, replace(ADVANCE, weight=50), NOW, always)
    assert toy.main == commit


def test_every_attempt_counts(monkeypatch: pytest.MonkeyPatch, toy: Toy) -> None:
    monkeypatch.setattr(acting, "_ATTEMPTS", 1)
    before = under_way(toy)

    def change() -> None:
        git(toy.other, "pull", "--quiet", "--rebase", "origin", "main")
        toy.push("once")

    with pytest.raises(RemoteMoved):
        act(toy.remote, before, ADVANCE, NOW, moving(toy, change))
