"""Programs by name, from the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.builds import executables, go
from infra.builds.components import Component, components
from infra.builds.progress import Progress
from infra.errors import UsageError


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was built, in order; the programs hold their own names."""
    built: list[str] = []

    def build(component: Component, into: Path, source: Path) -> None:
        built.append(component.name)
        for name in component.programs:
            (into / name).write_text(name)

    monkeypatch.setattr(go, "build", build)
    monkeypatch.setattr(go, "toolchain", lambda: go.Toolchain("/usr/bin/go", "1.99.0"))
    return built


def test_programs_are_built_once_and_in_the_order_of_need(builds: list[str]) -> None:
    names = ("kustomize", "kube-apiserver", "kubectl", "etcd")
    found = executables.programs(names)
    assert found["kube-apiserver"].read_text() == "kube-apiserver"
    assert found["kustomize"].read_text() == "kustomize"
    assert builds == [name for name in components() if name in builds]
    before = list(builds)
    assert executables.programs(names) == found
    assert builds == before
    assert "envoy-gateway" not in builds


def test_one_program_builds_its_component_alone(builds: list[str], cache: Path) -> None:
    assert executables.program("kubectl").read_text() == "kubectl"
    assert builds == ["kubernetes"]
    assert executables.program("kubectl").is_relative_to(cache / "upstream" / "kubernetes")


def test_a_changed_program_is_told_of_and_built_again(builds: list[str]) -> None:
    executables.program("etcd").write_text("not etcd")
    lines: list[str] = []
    assert executables.program("etcd", Progress(lines.append)).read_text() == "etcd"
    assert builds == ["etcd", "etcd"]
    assert "etcd has changed" in lines[0]


def test_another_toolchain_is_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    first = executables.entry(components()["etcd"])
    monkeypatch.setattr(go, "toolchain", lambda: go.Toolchain("/usr/bin/go", "1.99.1"))
    assert executables.entry(components()["etcd"]).key != first.key


def test_an_unknown_program_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="kubctl") as caught:
        executables.program("kubctl")
    assert "kubectl" in caught.value.remedy
