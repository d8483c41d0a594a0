"""A release's source is the commit that holds all it was made of, or there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.attestation import source
from slipway.attestation.repository import Repository
from slipway.attestation.source import SourceUnknown
from slipway.project import ModelPaths
from tests.attested import commit_all, git, write_lock, write_stages
from tests.conftest import MODEL


def _found(release: Path) -> str:
    return source.find(release, MODEL, Path.cwd()).name


def test_the_commit_that_made_it(release: Path) -> None:
    head = git(Path.cwd(), "rev-parse", "HEAD")
    assert _found(release) == head
    source.check(source.find(release, MODEL, Path.cwd()), release, MODEL)


def test_a_later_commit_of_something_else_is_as_good(release: Path) -> None:
    Path("README.md").write_text("more words")
    name = commit_all(Path.cwd())
    assert _found(release) == name


def test_once_the_code_has_moved_on_it_is_the_commit_before(release: Path, here: ModelPaths) -> None:
    made_by = git(Path.cwd(), "rev-parse", "HEAD")
    with (here.home / "features.py").open("a") as file:
        file.write("# moved on\n")
    commit_all(Path.cwd())
    assert _found(release) == made_by


def test_a_dirty_working_tree_changes_nothing(release: Path, here: ModelPaths) -> None:
    (here.home / "features.py").write_text("dirty")
    Path("dvc.lock").unlink()
    assert _found(release) == git(Path.cwd(), "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["features.py", "champion/README.md"])
def test_made_with_a_file_that_no_commit_holds(release: Path, here: ModelPaths, name: str) -> None:
    (here.home / name).write_text("# as it was when the release was made\n")
    write_lock(here)
    (here.home / name).write_text("# as it was committed\n")
    commit_all(Path.cwd())
    git(Path.cwd(), "commit", "--quiet", "--amend", "--message", "the only commit")
    shutil.rmtree(".git")
    git(Path.cwd(), "init", "--quiet")
    commit_all(Path.cwd())
    named = (here.home / name.partition("/")[0]).as_posix()
    with pytest.raises(SourceUnknown, match=f"was made with {named} as no commit holds it"):
        _found(release)


def test_made_with_parameters_that_no_commit_has(release: Path) -> None:
    content = yaml.safe_load(Path("params.yaml").read_text())
    content["models"][MODEL]["train"]["num_trees"] += 1
    Path("params.yaml").write_text(yaml.safe_dump(content))
    shutil.rmtree(".git")
    git(Path.cwd(), "init", "--quiet")
    commit_all(Path.cwd())
    with pytest.raises(SourceUnknown, match=r"made with other parameters than params\.yaml of commit"):
        _found(release)


def test_a_stage_that_read_what_no_stage_wrote(release: Path) -> None:
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    stages = lock["stages"]
    written = {"path": f"data/{MODEL}/validated", "hash": "md5", "md5": "1" * 32 + ".dir"}
    stages[f"validate@{MODEL}"] = {"cmd": "x", "outs": [written]}
    stages[f"package@{MODEL}"]["deps"].append(written)
    write_stages(stages, MODEL)
    name = commit_all(Path.cwd())
    assert _found(release) == name
    stages[f"validate@{MODEL}"]["outs"] = [written | {"md5": "2" * 32 + ".dir"}]
    write_stages(stages, MODEL)
    commit = source.Commit(Repository(Path.cwd()), commit_all(Path.cwd()))
    with pytest.raises(SourceUnknown, match=f"was made with data/{MODEL}/validated as no commit holds it"):
        source.check(commit, release, MODEL)


def _by_another_command(stage: dict[str, Any]) -> None:
    stage["cmd"] = f"cp forged.json artifacts/{MODEL}/evidence.json"


def _without_naming_its_code(stage: dict[str, Any]) -> None:
    stage["deps"] = [dep for dep in stage["deps"] if not dep["path"].endswith("features.py")]


def _writing_more(stage: dict[str, Any]) -> None:
    stage["outs"].append({"path": "pipelines/package.py", "md5": "1" * 32})


@pytest.mark.parametrize("change", [_by_another_command, _without_naming_its_code, _writing_more])
def test_made_by_a_stage_that_no_commit_has(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """dvc.yaml was changed while the pipeline ran, and dvc.lock alone was committed."""
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    change(lock["stages"][f"package@{MODEL}"])
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    commit = source.Commit(Repository(Path.cwd()), commit_all(Path.cwd()))
    with pytest.raises(SourceUnknown, match=r"made by another stage package than dvc\.yaml of commit"):
        source.check(commit, release, MODEL)


def test_a_stage_that_never_ran(release: Path) -> None:
    pipeline = yaml.safe_load(Path("dvc.yaml").read_text())
    pipeline["stages"]["gate"] = {"foreach": "${models}", "do": {"cmd": "python pipelines/gate.py ${key}"}}
    Path("dvc.yaml").write_text(yaml.safe_dump(pipeline))
    commit = source.Commit(Repository(Path.cwd()), commit_all(Path.cwd()))
    with pytest.raises(SourceUnknown, match=r"made by another stage gate than dvc\.yaml of commit"):
        source.check(commit, release, MODEL)


@pytest.mark.parametrize("name", ["dvc.lock", "params.yaml"])
def test_a_commit_in_the_middle_of_a_merge_is_passed_over(release: Path, name: str) -> None:
    made_by = git(Path.cwd(), "rev-parse", "HEAD")
    before = Path("dvc.lock").read_text()
    with Path(name).open("a") as file:
        file.write("<<<<<<< ours\nx: [\n")
    Path("dvc.lock").write_text(before + "# touched\n" if name != "dvc.lock" else Path("dvc.lock").read_text())
    commit_all(Path.cwd())
    assert _found(release) == made_by


def test_no_commit_names_the_release(release: Path) -> None:
    (release / "card.md").write_text("another card")
    with pytest.raises(SourceUnknown, match=r"No commit's dvc\.lock names release") as caught:
        _found(release)
    assert "Commit dvc.lock" in caught.value.remedy


def test_no_commit_at_all(release: Path) -> None:
    shutil.rmtree(".git")
    with pytest.raises(SourceUnknown, match="has no commit"):
        _found(release)
    git(Path.cwd(), "init", "--quiet")
    Path("dvc.lock").rename("elsewhere")
    commit_all(Path.cwd())
    with pytest.raises(SourceUnknown, match=r"No commit's dvc\.lock names"):
        _found(release)
