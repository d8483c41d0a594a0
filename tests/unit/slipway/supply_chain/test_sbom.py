"""The SBOM: CycloneDX by its schema, of exactly the serving image, equal bytes from equal locks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from slipway.errors import EnvironmentFault
from slipway.files import canonical_json, read_json
from slipway.supply_chain import licences, locked, sbom
from tests.conftest import ROOT

SERVING = ROOT / sbom.ENVIRONMENT


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return sbom.describe(SERVING)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A copy of the environment's lock and licence record."""
    for name in (locked.LOCK, licences.FILE):
        shutil.copy(SERVING / name, tmp_path)
    return tmp_path


def test_it_keeps_the_schema_of_cyclonedx_1_6(document: dict[str, Any]) -> None:
    assert document["specVersion"] == "1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(canonical_json(document).decode()) is None
    broken = canonical_json(document | {"components": "none"}).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_equal_locks_give_equal_bytes_and_no_time_is_in_it(document: dict[str, Any], environment: Path) -> None:
    assert canonical_json(sbom.describe(environment)) == canonical_json(document)
    assert "timestamp" not in document["metadata"]
    record = environment / licences.FILE
    record.write_text(record.read_text().replace("licence: MIT-0", "licence: MIT"))
    assert sbom.describe(environment)["serialNumber"] != document["serialNumber"]


def test_each_component_says_all_that_identifies_it(document: dict[str, Any]) -> None:
    for entry in document["components"]:
        assert entry["licenses"], entry["name"]
        if entry["name"] == "slipway":
            assert "purl" not in entry
            continue
        (digest,) = entry["hashes"]
        (file,) = entry["externalReferences"]
        assert entry["purl"] == f"pkg:pypi/{entry['name']}@{entry['version']}"
        assert (digest["alg"], len(digest["content"])) == ("SHA-256", 64)
        assert file["hashes"] == [digest]


def test_it_lists_nothing_of_the_developer_s(document: dict[str, Any]) -> None:
    names = {entry["name"] for entry in document["components"]}
    assert names == {package.name for package in locked.read(SERVING)}
    assert names.isdisjoint({"mlflow", "pytest", "pandera", "scikit-learn", "dvc", "colorama"})


def test_its_graph_leads_from_the_image_to_every_package(document: dict[str, Any]) -> None:
    edges = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    reached, todo = set(), [document["metadata"]["component"]["bom-ref"]]
    while todo:
        reference = todo.pop()
        if reference not in reached:
            reached.add(reference)
            todo += edges[reference]
    assert reached == edges.keys()
    assert len(reached) == len(document["components"]) + 1


def test_what_a_person_concluded_is_told_from_what_is_declared(document: dict[str, Any]) -> None:
    told = {entry["name"]: entry["licenses"][0]["acknowledgement"] for entry in document["components"]}
    assert (told["numpy"], told["polars"]) == ("concluded", "declared")


def test_a_licence_counts_for_its_version_only(environment: Path) -> None:
    record = environment / licences.FILE
    version = licences.read(environment)["typer"].version
    record.write_text(record.read_text().replace(f"version: {version}", "version: 1.0.0"))
    (typer,) = (entry for entry in sbom.describe(environment)["components"] if entry["name"] == "typer")
    assert typer["version"] == version
    assert "licenses" not in typer


def test_pins_are_those_of_the_index(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / sbom.FILE).write_bytes(canonical_json(document))
    pins = sbom.pins(tmp_path)
    assert {pin.name: pin.sha256 for pin in pins} == {k: v for k, v in locked.exported(SERVING).items() if v}
    assert str(pins[0]) == f"{pins[0].name}=={pins[0].version}"


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b'{"components": [{"purl": "x"}]}'])
def test_a_release_without_one_or_with_another(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / sbom.FILE).write_bytes(content)
    with pytest.raises(EnvironmentFault, match="holds no sbom.json" if content is None else "is not an SBOM of Slip"):
        sbom.pins(tmp_path)


def test_the_release_ships_the_sbom_that_was_judged(release_folder: Path, document: dict[str, Any]) -> None:
    assert read_json(release_folder / sbom.FILE) == document
    subject = read_json(release_folder / "evidence.json")["verdicts"]["supply_chain"]["subject"]
    assert subject["sbom.json"] == read_json(release_folder / "manifest.json")["files"]["sbom.json"]["sha256"]
