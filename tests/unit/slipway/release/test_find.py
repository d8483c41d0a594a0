from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.release.find import choose, find

ONE = "aaaabbbb" + "0" * 56
TWO = "aaaabbbb" + "1" * 56
OTHER = "cccc0000" + "2" * 56


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    for model, digest in (("late", ONE), ("wind", TWO), ("wind", OTHER)):
        folder = tmp_path / "releases" / model / digest
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
    (tmp_path / "releases" / "late" / "scratch").mkdir()
    return tmp_path / "releases"


def test_a_model_s_name_is_its_only_release(releases: Path) -> None:
    assert choose("late", releases) == releases / "late" / ONE


def test_a_digest_and_its_first_digits_are_the_release_of_any_model(releases: Path) -> None:
    assert choose(OTHER, releases) == choose("cccc0000", releases) == releases / "wind" / OTHER


@pytest.mark.parametrize("reference", ["wind", "aaaabbbb"])
def test_more_than_one_is_refused_and_listed(releases: Path, reference: str) -> None:
    with pytest.raises(UsageError, match="names 2 releases") as caught:
        choose(reference, releases)
    assert TWO in str(caught.value)


def test_nothing_is_refused_and_all_are_listed(releases: Path) -> None:
    with pytest.raises(UsageError, match="There is no release 'nope'") as caught:
        choose("nope", releases)
    assert all(digest in str(caught.value) for digest in (ONE, TWO, OTHER))


def test_too_few_digits_are_refused(releases: Path) -> None:
    with pytest.raises(UsageError, match="at least 8 digits"):
        choose("cccc000", releases)


def test_without_releases_the_remedy_is_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make repro"):
        choose("late", tmp_path)


def test_a_folder_is_taken_as_it_is_outside_a_monorepo(
    releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(f"releases/late/{ONE}") == Path("releases/late") / ONE
    with pytest.raises(UsageError, match=r"'late' is not a release's folder .*not inside a Slipway monorepo"):
        find("late")


def test_a_name_is_looked_up_below_the_monorepo_s_releases(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (releases.parent / "params.yaml").touch()
    (releases.parent / "models").mkdir()
    monkeypatch.chdir(releases)
    assert find("late") == releases / "late" / ONE
