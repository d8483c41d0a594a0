"""Patches for upstream's files: what Go sees of them, and what is refused."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from infra.builds import modules, patches
from infra.builds.components import Component, components
from infra.errors import PlatformError

ORIGINAL = "package deep\n\nfunc Answer() int {\n\treturn 41\n}\n"
PATCH = """Off by one.

--- a/deep/answer.go
+++ b/deep/answer.go
@@ -1,5 +1,5 @@
 package deep
 
 func Answer() int {
-\treturn 41
+\treturn 42
 }
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Upstream's module as Go keeps it: to be read only."""
    folder = tmp_path / "module"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/answer.go").write_text(ORIGINAL)
    for path in (folder / "deep/answer.go", folder / "deep"):
        path.chmod(0o555)
    monkeypatch.setattr(modules, "folder", lambda component: folder)
    return folder


@pytest.fixture
def component(tmp_path: Path) -> Component:
    source = tmp_path / "source"
    source.mkdir()
    (source / "go.mod").write_text("module example\n")
    (source / "by-one.patch").write_text(PATCH)
    return replace(components()["seldon-core"], source=source)


@pytest.mark.usefixtures("module")
def test_go_is_given_the_patched_module(component: Component) -> None:
    with patches.patched(component) as source:
        assert (source / "upstream/deep/answer.go").read_text() == ORIGINAL.replace("41", "42")
        assert f"replace {component.module} => ./upstream\n" in (source / "go.mod").read_text()
    assert not source.exists()


def test_what_is_pinned_stays_as_it_is(component: Component, module: Path) -> None:
    with patches.patched(component):
        assert (module / "deep/answer.go").read_text() == ORIGINAL
        assert (component.source / "go.mod").read_text() == "module example\n"


@pytest.mark.usefixtures("module")
def test_a_repository_that_ignores_folders_for_temporary_files_is_not_asked(
    component: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git alone would leave files that are ignored as they are, and say that all is well."""
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    (repository / ".gitignore").write_text("*\n")
    monkeypatch.setattr(tempfile, "tempdir", str(repository))
    with patches.patched(component) as source:
        assert source.is_relative_to(repository)
        assert (source / "upstream/deep/answer.go").read_text() == ORIGINAL.replace("41", "42")


def test_one_without_patches_is_built_where_it_is(component: Component) -> None:
    (component.source / "by-one.patch").unlink()
    with patches.patched(component) as source:
        assert source == component.source


@pytest.mark.usefixtures("module")
def test_one_that_does_not_fit_stops_the_build(component: Component) -> None:
    (component.source / "by-one.patch").write_text(PATCH.replace("41", "40"))
    fits = pytest.raises(PlatformError, match=r"by-one\.patch does not fit github.com/seldonio/.* v1\.16\.0: ")
    with fits as caught, patches.patched(component):
        pass
    assert "remove it if upstream has mended the fault" in caught.value.remedy


def test_a_patch_is_part_of_what_names_a_build(component: Component) -> None:
    before = component.key()
    (component.source / "by-one.patch").write_text(PATCH.replace("42", "43"))
    assert component.key() != before
