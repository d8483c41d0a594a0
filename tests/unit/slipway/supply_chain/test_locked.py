"""What a uv.lock installs: by our reading, by uv's own account, and by what is really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import EnvironmentFault
from slipway.supply_chain import licences, locked, sbom
from tests.conftest import ROOT

SERVING = ROOT / sbom.ENVIRONMENT
_TOP = """
version = 1
requires-python = "==3.11.*"

[[package]]
name = "top"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "alpha", extra = ["fast"] }, { name = "windows", marker = "sys_platform == 'win32'" }]

[[package]]
name = "windows"
version = "1.0"
source = { registry = "https://example.com/simple" }
"""
_ALPHA = """
[[package]]
name = "alpha"
version = "1.0"
source = { registry = "https://example.com/simple" }
dependencies = [{ name = "beta" }]
sdist = { url = "https://example.com/alpha-1.0.tar.gz", hash = "sha256:aa" }

[package.optional-dependencies]
fast = [{ name = "gamma", marker = "platform_machine == 'x86_64'" }]
slow = [{ name = "windows" }]

[[package]]
name = "beta"
version = "2.0"
source = { editable = "../beta" }

[[package]]
name = "gamma"
version = "3.0"
source = { registry = "https://example.com/simple" }
dependencies = [{ name = "beta" }]
wheels = [
    { url = "https://example.com/gamma-3.0-py3-none-any.whl", hash = "sha256:a0" },
    { url = "https://example.com/gamma-3.0-cp311-cp311-manylinux_2_39_x86_64.whl", hash = "sha256:a1" },
    { url = "https://example.com/gamma-3.0-cp311-cp311-manylinux_2_17_x86_64.whl", hash = "sha256:a2" },
    { url = "https://example.com/gamma-3.0-cp311-abi3-manylinux_2_28_x86_64.whl", hash = "sha256:a3" },
    { url = "https://example.com/gamma-3.0-cp311-cp311-macosx_11_0_arm64.whl", hash = "sha256:a4" },
    { url = "https://example.com/gamma-3.0-cp312-cp312-manylinux_2_17_x86_64.whl", hash = "sha256:a5" },
]
"""


def test_uv_would_install_the_same_files() -> None:
    ours = {package.name: package.file.sha256 if package.file else "" for package in locked.read(SERVING)}
    assert ours == locked.exported(SERVING)
    assert [name for name, digest in ours.items() if not digest] == ["slipway"]


def test_just_that_is_installed() -> None:
    """On the platform that the image has, which is also that of CI."""
    there = licences.installed(SERVING)
    listed = locked.read(SERVING)
    assert {package.name: package.version for package in listed} == {
        name: distribution.version for name, distribution in there.items()
    }
    wheels = {package.name: package.file.url for package in listed if package.file is not None}
    for package, url in wheels.items():
        if not url.endswith(".whl"):
            continue  # what is built from source says nothing of its origin
        wheel = there[package].read_text("WHEEL") or ""
        tags = [line.removeprefix("Tag: ") for line in wheel.splitlines() if line.startswith("Tag: ")]
        python, abi, platforms = url.removesuffix(".whl").split("-")[-3:]
        assert all(tag.split("-")[1:2] == [abi] for tag in tags), package
        assert {tag.split("-")[0] for tag in tags} <= set(python.split(".")), package
        assert {tag.split("-")[2] for tag in tags} <= set(platforms.split(".")), package


def test_every_requirement_is_installed_too() -> None:
    packages = {package.name: package for package in locked.read(SERVING)}
    assert all(name in packages for package in packages.values() for name in package.requires)
    assert {"numpy", "scipy"} <= set(packages["lightgbm"].requires)
    assert "uvloop" in packages["slipway"].requires  # by its extra


def _read(tmp_path: Path, text: str) -> dict[str, Any]:
    (tmp_path / "uv.lock").write_text(text)
    return {package.name: package for package in locked.read(tmp_path)}


def test_markers_and_extras_choose_and_the_best_wheel_is_taken(tmp_path: Path) -> None:
    found = _read(tmp_path, _TOP + _ALPHA)
    assert list(found) == ["alpha", "beta", "gamma"]
    assert found["alpha"].requires == ("beta", "gamma")
    assert found["alpha"].file.sha256 == "aa"
    assert found["beta"].file is None
    assert found["gamma"].file == locked.File(
        "https://example.com/gamma-3.0-cp311-cp311-manylinux_2_17_x86_64.whl", "a2"
    )


def test_a_package_without_a_file_for_the_platform(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"alpha 1\.0 is locked without a file for CPython 3\.11"):
        _read(tmp_path, _TOP + _ALPHA.replace("sdist", "sdist_of_old"))


@pytest.mark.parametrize("text", ["", "version = 1", "[[package]]\nname = 'x'", "not toml", _TOP])
def test_what_is_no_lock(tmp_path: Path, text: str) -> None:
    with pytest.raises(EnvironmentFault, match=r"uv\.lock is not a uv\.lock of one project"):
        _read(tmp_path, text)


def test_no_lock(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"uv\.lock cannot be read: No such file"):
        locked.read(tmp_path)
    with pytest.raises(EnvironmentFault, match="uv cannot read"):
        locked.exported(tmp_path)
