"""A release in MLflow: everything that leads to it, a model that answers, and recording twice as once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slipway.adapters import mlflow_store, tracking
from slipway.project import ModelPaths
from slipway.release import Release, load
from tests.conftest import MODEL, ROOT

# MLflow and its database layer warn about themselves.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def release(release_folder: Path) -> Release:
    return load(release_folder)


@pytest.fixture(scope="module")
def store(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, list[tracking.Recorded]]]:
    """An MLflow store of its own, into which the real release was recorded twice."""
    here = tmp_path_factory.mktemp("clone")
    for name in ("artifacts", "data", "models", "params.yaml"):
        (here / name).symlink_to(ROOT / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        recorded = [tracking.record(release, ModelPaths(MODEL)) for _ in range(2)]
        import mlflow

        yield mlflow, recorded


def test_twice_is_once(store: tuple[Any, list[tracking.Recorded]]) -> None:
    mlflow, (first, second) = store
    assert not first.already
    assert second == tracking.Recorded(first.run, first.version, already=True)
    assert len(mlflow.MlflowClient().search_model_versions(f"name = '{MODEL}'")) == 1


def test_verifying_a_release_finds_its_run_without_mlflow(
    store: tuple[Any, list[tracking.Recorded]], release: Release
) -> None:
    mlflow, (first, _) = store
    artifacts = Path(mlflow.MlflowClient().get_run(first.run).info.artifact_uri.removeprefix("file://"))
    clone = next(folder for folder in artifacts.parents if (folder / mlflow_store.FILE).exists())
    assert mlflow_store.find(clone / mlflow_store.FILE, MODEL, release.digest) == first.run


def test_run_leads_to_everything(store: tuple[Any, list[tracking.Recorded]], release: Release) -> None:
    mlflow, (first, _) = store
    run = mlflow.MlflowClient().get_run(first.run)
    evidence = json.loads((release.folder / "evidence.json").read_text())
    assert run.info.status == "FINISHED"
    assert run.data.tags[tracking.RELEASE_TAG] == release.digest
    assert run.data.tags["slipway.sha256.model.txt"] == evidence["verdicts"]["budget"]["subject"]["model.txt"]
    assert {run.data.tags[f"slipway.gate.{gate}"] for gate in evidence["verdicts"]} == {"green"}
    assert run.data.params["train.num_leaves"] == "31"
    assert run.data.metrics["auc.low"] < run.data.metrics["auc.value"] < run.data.metrics["auc.high"]
    assert run.data.metrics["kpi.saved"] > 0


def test_registered_model_answers_like_the_release(
    store: tuple[Any, list[tracking.Recorded]], release: Release
) -> None:
    mlflow, _ = store
    version = mlflow.MlflowClient().get_model_version_by_alias(MODEL, tracking.ALIAS)
    assert version.tags[tracking.RELEASE_TAG] == release.digest
    model = mlflow.pyfunc.load_model(f"models:/{MODEL}@{tracking.ALIAS}")
    assert [entry.name for entry in model.metadata.signature.inputs] == [field.name for field in release.fields]
    assert model.input_example is not None
    names = [field.name for field in release.fields]
    raw = pl.read_parquet(ROOT / ModelPaths(MODEL).validated / "2013-12.parquet", columns=names).tail(500)
    frame = raw.to_pandas().astype(model.input_example.dtypes.to_dict())
    answers = model.predict(frame)
    assert answers[release.score_name].to_numpy().tobytes() == release.score_table(raw).tobytes()
    assert answers[release.decision_name].dtype == bool


def test_telemetry_is_off(store: tuple[Any, list[tracking.Recorded]]) -> None:
    from mlflow.telemetry.client import get_telemetry_client

    assert store
    assert get_telemetry_client() is None
