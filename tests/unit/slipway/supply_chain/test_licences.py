"""The licence record: what metadata say beyond doubt, what a person found for one version, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from slipway.errors import EnvironmentFault, UsageError
from slipway.supply_chain import licences, sbom
from slipway.supply_chain.licences import Licence
from tests.conftest import ROOT

SERVING = ROOT / sbom.ENVIRONMENT


def test_the_committed_record_is_up_to_date(tmp_path: Path) -> None:
    """If not, `make licences`."""
    shutil.copy(SERVING / licences.FILE, tmp_path)
    (tmp_path / ".venv").symlink_to(SERVING / ".venv")
    assert licences.refresh(tmp_path) == []
    assert (tmp_path / licences.FILE).read_bytes() == (SERVING / licences.FILE).read_bytes()


def test_what_brings_libraries_of_others_was_reviewed() -> None:
    recorded = licences.read(SERVING)
    bundling = {name for name, entry in licences.installed(SERVING).items() if licences.bundles(entry)}
    assert {"numpy", "scipy"} <= bundling
    for name in bundling:
        assert recorded[name].reviewed
        assert "LGPL-2.1-or-later" in recorded[name].expression


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    (tmp_path / ".venv/lib/python3.11/site-packages").mkdir(parents=True)
    return tmp_path


def _install(environment: Path, name: str, *metadata: str, version: str = "1.0", library: str = "") -> None:
    site = environment / ".venv/lib/python3.11/site-packages"
    for old in site.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    fields = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *metadata]
    (folder / "METADATA").write_text("\n".join(fields) + "\n")
    (folder / "RECORD").write_text(f"{name}.libs/{library},,\n" if library else "")
    if library:
        (site / f"{name}.libs").mkdir()
        (site / f"{name}.libs" / library).touch()


def _review(environment: Path, **entries: dict[str, str]) -> None:
    (environment / licences.FILE).write_text(yaml.safe_dump(entries))


@pytest.mark.parametrize(
    ("metadata", "expression"),
    [
        (["License-Expression: Apache-2.0 OR MIT"], "Apache-2.0 OR MIT"),
        (["License-Expression: MIT", "Classifier: License :: OSI Approved :: BSD License"], "MIT"),
        (["Classifier: License :: OSI Approved :: MIT License", "License: whatever"], "MIT"),
    ],
)
def test_what_is_declared_beyond_doubt_is_taken(environment: Path, metadata: list[str], expression: str) -> None:
    _install(environment, "Some_Package", *metadata)
    assert licences.refresh(environment) == ["some-package"]
    assert licences.read(environment) == {"some-package": Licence("1.0", expression)}
    assert licences.refresh(environment) == []


@pytest.mark.parametrize(
    ("metadata", "library", "said"),
    [
        ([], "", "'nothing'"),
        (["License: Copyright (c) 2001 Somebody"], "", "'Copyright (c) 2001 Somebody'"),
        (["Classifier: License :: OSI Approved :: BSD License"], "", "'nothing'"),
        (
            [f"Classifier: License :: OSI Approved :: {name} License" for name in ("MIT", "BSD")],
            "", "'nothing'",
        ),
        (["License-Expression: MIT"], "libgfortran.so.5", "'MIT', and it brings libgfortran.so.5"),
    ],
)  # fmt: skip
def test_what_is_in_doubt_is_asked_of_a_person(environment: Path, metadata: list[str], library: str, said: str) -> None:
    _install(environment, "doubtful", *metadata, library=library)
    with pytest.raises(licences.Unreviewed) as caught:
        licences.refresh(environment)
    assert f"doubtful 1.0 (its metadata say {said})" in caught.value.what
    assert not (environment / licences.FILE).exists()
    _review(environment, doubtful={"version": "1.0", "licence": "BSD-3-Clause", "reviewed": "LICENSE"})
    assert licences.refresh(environment) == []
    assert licences.read(environment) == {"doubtful": Licence("1.0", "BSD-3-Clause", "LICENSE")}


def test_a_new_version_is_reviewed_anew(environment: Path) -> None:
    _install(environment, "doubtful")
    _review(environment, doubtful={"version": "1.0", "licence": "MIT", "reviewed": "LICENSE"})
    _install(environment, "doubtful", version="1.1")
    with pytest.raises(licences.Unreviewed, match=r"doubtful 1\.1"):
        licences.refresh(environment)


def test_what_is_not_installed_any_more_goes(environment: Path) -> None:
    _install(environment, "kept", "License-Expression: MIT")
    _review(environment, kept={"version": "1.0", "licence": "MIT"}, gone={"version": "1.0", "licence": "MIT"})
    assert licences.refresh(environment) == ["gone"]
    assert list(licences.read(environment)) == ["kept"]


def test_nothing_installed(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="Nothing is installed"):
        licences.refresh(tmp_path)


@pytest.mark.parametrize("content", ["- numpy\n", "numpy: MIT\n", "numpy: {licence: MIT}\n", "7\n"])
def test_what_is_no_record(tmp_path: Path, content: str) -> None:
    (tmp_path / licences.FILE).write_text(content)
    with pytest.raises(UsageError, match="is not a record of licences"):
        licences.read(tmp_path)
