"""Promotion on a forge: one pull request, whatever fails, however often it is asked for, and whoever else promotes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.forge import PlainGit, choose
from slipway.adapters.git import GitFault, Remote
from slipway.adapters.github import ForgeFault, GitHub
from slipway.errors import EnvironmentFault, SlipwayError
from slipway.promotion import promote as promotion
from slipway.promotion.order import Promotion
from slipway.promotion.promote import Promoted
from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.fake_github import NAME, FakeGitHub
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, git, means

A, B, C = RELEASES
ROOM = f"promote/staging/{MODEL}"
NEWEST = f"refs/slipway/promotions/staging/{MODEL}"


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path)


@pytest.fixture
def github(toy: ToyPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    made = FakeGitHub.make(tmp_path / "gh", toy.bare)
    made.enter(monkeypatch)
    return made


def promote(toy: ToyPlatform, release: str = A, merge: bool = False) -> Promoted:
    remote = Remote(toy.top, "platform")
    image = IMAGES[RELEASES.index(release)]
    return promotion.promote(
        Promotion("staging", MODEL, release), means(remote, lambda: image, choose(remote, "github")), merge
    )


def refs(toy: ToyPlatform) -> dict[str, str]:
    listed = git(toy.bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ") for line in listed)


def test_a_pull_request_says_what_the_commit_does(toy: ToyPlatform, github: FakeGitHub) -> None:
    done = promote(toy)
    assert done.url == f"https://github.com/{NAME}/pull/1"
    (request,) = github.requests
    assert (request["headRefName"], request["state"]) == (done.branch, "OPEN")
    assert request["title"] == f"Promote {MODEL} {A[:12]} to staging as champion"
    pictures = refs(toy)[f"refs/slipway/pictures/staging/{MODEL}/{A[:12]}"]
    shown = f"https://github.com/{NAME}/blob/{pictures}/one.svg?raw=true"
    assert request["body"].replace("\r\n", "\n") == f"# {A[:12]}\n\nSeen at {shown}." == done.body.strip()
    assert git(toy.bare, "ls-tree", "--name-only", pictures) == "one.svg"
    assert "Seen at" not in git(toy.bare, "log", "-1", "--format=%B", done.branch), "the request says it"


def test_twice_is_one_pull_request(toy: ToyPlatform, github: FakeGitHub) -> None:
    first, before = promote(toy), refs(toy)
    second = promote(toy)
    assert (second.already, second.commit, second.url) == (True, first.commit, first.url)
    assert refs(toy) == before
    assert len(github.requests) == 1
    assert not any("PATCH" in call for call in github.calls)


def test_a_pull_request_that_main_left_behind_is_brought_up_to_date(toy: ToyPlatform, github: FakeGitHub) -> None:
    promote(toy)
    toy.change_main("docs/page.md", "text\n")
    github.requests[0]["body"] = "old"
    state = json.loads((github.home / "state.json").read_text())
    state["requests"][0]["body"] = "old"
    (github.home / "state.json").write_text(json.dumps(state))
    again = promote(toy)
    assert not again.already
    assert len(github.requests) == 1
    assert github.requests[0]["body"] == again.body


def test_a_newer_challenger_supersedes_the_open_promotion(toy: ToyPlatform, github: FakeGitHub) -> None:
    promote(toy, A, merge=True)
    promote(toy, B)
    done = promote(toy, C)
    assert done.superseded == (f"{ROOM}/{B[:12]}",)
    old, new = github.requests
    assert (old["state"], new["state"]) == ("CLOSED", "OPEN")
    assert old["comments"] == [f"Superseded by {new['url']}: release {C} of {MODEL}."]
    assert toy.branches() == {"main", f"{ROOM}/{C[:12]}"}
    assert refs(toy)[NEWEST] == done.commit


def test_a_merged_promotion_ends_the_open_ones(toy: ToyPlatform, github: FakeGitHub) -> None:
    promote(toy, A)
    done = promote(toy, B, merge=True)
    assert toy.branches() == {"main"}
    (request,) = github.requests
    assert request["comments"] == [f"Superseded by commit {done.commit}: release {B} of {MODEL}."]
    assert (done.url, done.branch) == (None, "main")


def test_on_plain_git_the_commit_says_it_all(toy: ToyPlatform) -> None:
    remote = Remote(toy.top, "platform")
    asked = [Promotion("staging", MODEL, release) for release in (A, B)]
    first, second = (promotion.promote(each, means(remote, lambda: IMAGES[0]), False) for each in asked)
    said = git(toy.bare, "log", "-1", "--format=%B", second.branch)
    assert f"Supersedes {first.branch} ({first.commit})." in said
    assert f"# {B[:12]}\n\nSeen at None." in said
    assert git(toy.bare, "log", "-1", "--format=%(trailers:key=Slipway-Release,valueonly)", second.branch) == B
    assert toy.branches() == {"main", second.branch}
    assert second.url is None


FAULTS = {
    "offline": ("cannot be reached: error connecting to api.github.com", "githubstatus.com"),
    "expired": (r"does not accept the token .* \(HTTP 401\)", "gh auth login"),
    "logged-out": (f"logged in nowhere that has {NAME}", "GH_TOKEN"),
    "read-only": ("lets you read acme/slipway, and not write", "right to push"),
    "pr list": ("lacks a right: GraphQL: Resource not accessible", "--scopes repo"),
    "pr create": (r"lacks a right: .*\(createPullRequest\)", "--scopes repo"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_forge_refuses_leaves_nothing(toy: ToyPlatform, github: FakeGitHub, fault: str) -> None:
    before = refs(toy)
    github.misbehave(fault)
    with pytest.raises(ForgeFault, match=FAULTS[fault][0]) as caught:
        promote(toy)
    assert caught.value.exit_code == 3
    assert FAULTS[fault][1] in caught.value.remedy
    left = {name: commit for name, commit in refs(toy).items() if "pictures" not in name}
    assert left == before
    assert github.requests == []
    github.misbehave("")
    assert promote(toy).url == f"https://github.com/{NAME}/pull/1"
    assert toy.branches() == {"main", f"{ROOM}/{A[:12]}"}


def test_a_refused_update_leaves_the_open_one(toy: ToyPlatform, github: FakeGitHub) -> None:
    promote(toy)
    toy.change_main("docs/page.md", "text\n")
    before = refs(toy)
    github.misbehave("pr list")
    with pytest.raises(ForgeFault):
        promote(toy)
    assert refs(toy) == before


def test_a_refusal_and_a_remote_that_went_away(
    toy: ToyPlatform, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def propose(*_: Any) -> None:
        toy.bare.rename(toy.bare.with_name("gone.git"))
        raise ForgeFault("GitHub is away.", "Wait.")

    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "propose", propose)
        with pytest.raises(GitFault, match=r"GitHub is away\. The branch .* could not be taken back either"):
            promote(toy)
    toy.bare.with_name("gone.git").rename(toy.bare)
    assert promote(toy).url is not None, "a second run completes it"


def test_one_that_was_superseded_before_its_request_was_opened(
    toy: ToyPlatform, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = GitHub.propose

    def propose(self: GitHub, branch: str, title: str, body: str) -> Any:
        if branch.endswith(A[:12]):
            monkeypatch.setattr(GitHub, "propose", real)
            promote(toy, B)
        return real(self, branch, title, body)

    monkeypatch.setattr(GitHub, "propose", propose)
    with pytest.raises(SlipwayError, match=r"Another promotion .* came meanwhile"):
        promote(toy, A)
    assert toy.branches() == {"main", f"{ROOM}/{B[:12]}"}
    assert [request["state"] for request in github.requests] == ["OPEN"]


def test_without_the_program(toy: ToyPlatform, github: FakeGitHub, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EnvironmentFault, match="`gh` is not installed"):
        promote(toy)
    assert toy.branches() == {"main"}


@pytest.mark.parametrize(
    ("forge", "releases"), [("git", (A, A)), ("git", (A, B)), ("github", (A, A)), ("github", (A, B))]
)
def test_a_race_ends_in_one(
    toy: ToyPlatform, github: FakeGitHub, tmp_path: Path, forge: str, releases: tuple[str, str]
) -> None:
    clones = [toy.top, tmp_path / "second"]
    git(tmp_path, "clone", "--quiet", "--origin=platform", str(toy.bare), str(clones[1]))
    start = tmp_path / "start"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(clone), release, IMAGES[RELEASES.index(release)], forge, str(start)],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform-lib/src'}"},
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for clone, release in zip(clones, releases, strict=True)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    start.touch()
    said = [racer.communicate(timeout=120) for racer in racers]
    codes = [racer.returncode for racer in racers]
    assert 0 in codes, said
    assert all(code == 0 or "came meanwhile" in error for code, (_, error) in zip(codes, said, strict=True)), said
    (branch,) = toy.branches() - {"main"}
    assert refs(toy)[NEWEST] == toy.commit(branch)
    if forge == "github":
        assert [it["headRefName"] for it in github.requests if it["state"] == "OPEN"] == [branch]


_RACER = """
import sys, time
from pathlib import Path
from slipway.adapters.forge import choose
from slipway.adapters.git import Remote
from slipway.promotion.order import Promotion
from slipway.promotion.promote import promote
from tests.conftest import MODEL
from tests.toy_platform import means

top, release, image, forge, start = sys.argv[1:]
remote = Remote(Path(top), "platform")
print("ready", flush=True)
while not Path(start).exists():
    time.sleep(0.001)
print(promote(Promotion("staging", MODEL, release), means(remote, lambda: image, choose(remote, forge)), False))
"""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/slipway.git", NAME),
        ("git@github.com:acme/slipway.git", NAME),
        ("ssh://git@github.com/acme/slipway", NAME),
    ],
)
def test_a_remote_on_github_has_pull_requests(toy: ToyPlatform, url: str, name: str) -> None:
    git(toy.top, "remote", "add", "hub", url)
    assert choose(Remote(toy.top, "hub")) == GitHub(f"github.com/{name}", toy.top)
    assert isinstance(choose(Remote(toy.top, "hub"), "git"), PlainGit)


def test_a_remote_elsewhere_has_none_unless_it_is_said(toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose(Remote(toy.top, "platform")), PlainGit)
    git(toy.top, "remote", "add", "own", "https://git.acme.example/team/slipway.git")
    assert isinstance(choose(Remote(toy.top, "own")), PlainGit)
    assert choose(Remote(toy.top, "own"), "github") == GitHub("git.acme.example/team/slipway", toy.top)
    with pytest.raises(SlipwayError, match="names no repository of GitHub"):
        choose(Remote(toy.top, "platform"), "github")
    with pytest.raises(SlipwayError, match="There is no forge 'hub'"):
        choose(Remote(toy.top, "platform"), "hub")


def test_an_issue_is_opened_once(toy: ToyPlatform, github: FakeGitHub) -> None:
    forge = choose(Remote(toy.top, "platform"), "github")
    first, second = (forge.open_issue("Rolled back", "Because.") for _ in range(2))
    assert first == second == github.issues[0]["url"]
    assert len(github.issues) == 1
    assert PlainGit().open_issue("Rolled back", "Because.") is None
