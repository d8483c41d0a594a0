"""What Git says at the remote's main, whatever is checked out."""

from __future__ import annotations

import re
import shutil

import pytest

from slipway.adapters.git import GitFault, Remote
from slipway.canary.history import Chosen
from slipway.errors import UsageError
from slipway.status import repository
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, git

PUBLISHED = f"champion:\n  release: {RELEASES[0]}\n  image: {IMAGES[0]}\nchallenger: null\n"


def home(environment: str = "production") -> str:
    return f"gitops/envs/{environment}/{MODEL}"


@pytest.fixture
def remote(toy: ToyPlatform) -> Remote:
    return Remote(toy.top, "platform")


def test_main_is_read_and_not_the_checkout(toy: ToyPlatform, remote: Remote) -> None:
    commit = toy.change_main(f"{home()}/release.yaml", PUBLISHED)
    assert remote.main() == commit
    staging, production = repository.read(remote, commit, Chosen())
    assert (staging.place, production.place) == (f"staging/{MODEL}", f"production/{MODEL}")
    assert staging.record is not None
    assert staging.record.champion is None
    assert production.record is not None
    assert production.record.champion is not None
    assert production.record.champion.release == RELEASES[0]
    assert production.settings is not None
    assert [step.weight for step in production.settings.steps] == [10, 25, 50, 100]
    assert git(toy.top, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        (Chosen(MODEL), ["staging", "production"]),
        (Chosen(None, "production"), ["production"]),
        (Chosen(MODEL, "staging"), ["staging"]),
    ],
)
def test_one_may_ask_for_some(remote: Remote, asked: Chosen, places: list[str]) -> None:
    found = repository.read(remote, remote.main(), asked)
    assert [each.environment for each in found] == places


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Chosen("nothing"), f"has no model nothing in any environment. It has staging/{MODEL}, production/{MODEL}."),
        (Chosen(MODEL, "prod"), "There is no environment 'prod'. There are staging, production."),
    ],
)
def test_what_is_not_there_is_refused(remote: Remote, asked: Chosen, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        repository.read(remote, remote.main(), asked)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "release.yaml",
            "champion: 7\nchallenger: null\n",
            f"{home()}/release.yaml at [0-9a-f]{{12}} is not valid: champion",
        ),
        ("release.yaml", "champion: [\n", f"{home()}/release.yaml at [0-9a-f]{{12}} is not valid YAML"),
        ("canary.yaml", "steps: []\n", f"{home()}/canary.yaml at [0-9a-f]{{12}} is not valid"),
    ],
)
def test_nonsense_is_told_and_hides_nothing_else(
    toy: ToyPlatform, remote: Remote, file: str, content: str, said: str
) -> None:
    toy.change_main(f"{home()}/{file}", content)
    staging, production = repository.read(remote, remote.main(), Chosen())
    assert staging.faults == ()
    (fault,) = production.faults
    assert re.match(said, fault)


def test_a_remote_without_a_main_or_away_is_told(toy: ToyPlatform, remote: Remote) -> None:
    git(toy.bare, "branch", "--move", "main", "trunk")
    with pytest.raises(GitFault, match="has no branch main"):
        remote.main()
    shutil.rmtree(toy.bare)
    with pytest.raises(GitFault, match="does not answer"):
        remote.main()
    with pytest.raises(UsageError, match="no remote 'elsewhere'"):
        Remote(toy.top, "elsewhere").main()
