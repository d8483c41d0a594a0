"""The tree of upstream.git."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.builds import manifests, modules
from infra.builds.components import Component, components


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules as the module cache holds them: read-only, with more than is wanted."""

    def folder(component: Component) -> Path:
        return tmp_path / "modules" / component.name

    for name, wanted in manifests.FOLDERS.items():
        for path in [*(f"{part}/deep/a.yaml" for part in wanted), "LICENSE", "main.go"]:
            file = tmp_path / "modules" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} {path}")
            file.chmod(0o444)
    monkeypatch.setattr(modules, "folder", folder)
    return tmp_path / "modules"


def contents(tree: Path) -> dict[str, tuple[str, int]]:
    files = (path for path in tree.rglob("*") if path.is_file())
    return {str(path.relative_to(tree)): (path.read_text(), path.stat().st_mode & 0o777) for path in files}


def test_the_tree_holds_the_folders_and_their_licences(tmp_path: Path) -> None:
    manifests.write(tmp_path / "tree")
    assert sorted(contents(tmp_path / "tree")) == [
        "envoy-gateway/LICENSE",
        "envoy-gateway/charts/gateway-helm/deep/a.yaml",
        "metrics-server/LICENSE",
        "metrics-server/manifests/deep/a.yaml",
        "seldon-core/LICENSE",
        "seldon-core/config/deep/a.yaml",
    ]


def test_the_same_pins_make_the_same_tree(tmp_path: Path, sources: Path) -> None:
    manifests.write(tmp_path / "first")
    (sources / "seldon-core" / "LICENSE").chmod(0o755)
    manifests.write(tmp_path / "second")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert {mode for _, mode in contents(tmp_path / "first").values()} == {0o644}


def test_the_key_follows_the_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifests.key()
    assert manifests.key() == before
    seldon = components()["seldon-core"]
    monkeypatch.setattr(
        manifests, "components", lambda: {**components(), "seldon-core": Component(**{**vars(seldon), "version": "v9"})}
    )
    assert manifests.key() != before
