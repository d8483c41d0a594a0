"""What MLflow's tables say of a release, as far as verifying asks; test_tracking.py reads what MLflow itself wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slipway.adapters import mlflow_store
from slipway.adapters.mlflow_store import NotRecorded
from slipway.errors import EnvironmentFault

RELEASE, OTHER = "5" * 64, "6" * 64


@pytest.fixture
def store(tmp_path: Path) -> Path:
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            f"""
            CREATE TABLE model_versions (name, version, run_id);
            CREATE TABLE model_version_tags (name, version, key, value);
            CREATE TABLE tags (run_uuid, key, value);
            INSERT INTO model_versions VALUES ('flight_delay', 1, 'a'), ('flight_delay', 2, 'b'), ('turbine', 1, 'c');
            INSERT INTO model_version_tags VALUES
                ('flight_delay', 1, 'slipway.release', '{OTHER}'), ('flight_delay', 2, 'slipway.release', '{RELEASE}');
            INSERT INTO tags VALUES ('a', 'slipway.release', '{OTHER}'), ('b', 'slipway.release', '{RELEASE}');
            """
        )
    return file


def test_the_run_that_names_the_release(store: Path) -> None:
    assert mlflow_store.find(store, "flight_delay", RELEASE) == "b"
    assert mlflow_store.find(store, "flight_delay", OTHER) == "a"


def test_a_release_that_no_version_names(store: Path) -> None:
    for model, release in (("flight_delay", "7" * 64), ("turbine", RELEASE)):
        with pytest.raises(NotRecorded, match=f"has no version of {model} that names release") as caught:
            mlflow_store.find(store, model, release)
        assert f"slipway record {model}" in caught.value.remedy


@pytest.mark.parametrize("change", [f"UPDATE tags SET value = '{OTHER}' WHERE run_uuid = 'b'", "DELETE FROM tags"])
def test_a_run_that_names_another_release(store: Path, change: str) -> None:
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(change)
    with pytest.raises(NotRecorded, match="its run b names"):
        mlflow_store.find(store, "flight_delay", RELEASE)


def test_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, though long enough to be taken for one" * 10)
    for name in ("text", "none"):
        with pytest.raises(EnvironmentFault, match=f"{name} cannot be read"):
            mlflow_store.find(tmp_path / name, "flight_delay", RELEASE)
    assert not (tmp_path / "none").exists()
