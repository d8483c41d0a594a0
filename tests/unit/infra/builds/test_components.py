"""The components: their pins, and the keys that name their builds."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from infra.builds.components import UPSTREAM, Component, components, load, required_version

VERSIONS = yaml.safe_load((UPSTREAM.parents[1] / "versions.yaml").read_text())


@pytest.fixture
def component(tmp_path: Path) -> Component:
    shutil.copytree(UPSTREAM / "coredns", tmp_path / "coredns")
    return replace(components()["coredns"], source=tmp_path / "coredns")


def test_every_folder_is_a_component_and_the_reverse() -> None:
    assert {folder.name for folder in UPSTREAM.iterdir() if folder.is_dir()} == set(components())


def test_every_component_has_a_reason_and_a_licence() -> None:
    assert set(VERSIONS["go"]) == set(components())
    for name, pin in VERSIONS["go"].items():
        assert pin["licence"], name
        assert pin["reason"], name


def test_no_two_components_make_a_program_of_one_name() -> None:
    names = [name for component in components().values() for name in component.programs]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", components())
def test_what_is_built_is_what_go_mod_pins(name: str) -> None:
    component = components()[name]
    sums = (component.source / "go.sum").read_text()
    assert f"{component.module} {component.version} h1:" in sums
    text = (component.source / "go.mod").read_text()
    for package in component.programs.values():
        assert package == "." or re.search(rf"^(?:tool )?\s*{re.escape(package)}$", text, re.MULTILINE), package


def test_the_release_of_prometheus_is_that_of_its_module() -> None:
    component = components()["prometheus"]
    zero, both, patch = component.version.removeprefix("v").split(".")
    assert zero == "0"
    assert component.release == f"v{int(both) // 100}.{int(both) % 100}.{patch}"


def test_the_version_reaches_the_linker() -> None:
    flags = components()["kubernetes"].linker_flags()
    assert flags.startswith("-s -w ")
    assert f"version.gitVersion={components()['kubernetes'].version}" in flags
    assert "{" not in "".join(component.linker_flags() for component in components().values())


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_the_key_changes_with_each_source(component: Component, file: str) -> None:
    before = component.key()
    (component.source / file).write_text((component.source / file).read_text() + "\n")
    assert component.key() != before


def test_the_key_changes_with_flags_programs_and_toolchain(component: Component) -> None:
    variants = [
        component.key(),
        component.key("1.26.8"),
        component.key("1.26.9"),
        replace(component, ldflags=("-X a=b",)).key(),
        replace(component, tags=("a",)).key(),
        replace(component, programs={"dns": "."}).key(),
    ]
    assert len(set(variants)) == len(variants)


def test_the_key_does_not_depend_on_where_the_clone_is(component: Component) -> None:
    assert component.key() == components()["coredns"].key()


def test_a_table_without_its_module_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "go.mod").write_text("module x\n\nrequire example.org/other v1.0.0\n")
    (tmp_path / "components.yaml").write_text("etcd: {module: example.org/etcd, programs: {etcd: example.org/etcd}}\n")
    with pytest.raises(LookupError, match=r"example\.org/etcd"):
        load(tmp_path)
    assert required_version(tmp_path / "etcd", "example.org/other") == "v1.0.0"
