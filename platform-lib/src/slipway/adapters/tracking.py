"""MLflow: each release's run with its parameters, measures, data digests and evidence, and its registered model.

Recording is an effect, so it is a command (``slipway record``) and not a stage. It is idempotent: a release that
is recorded already is found by its digest and left as it is.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from slipway.adapters.mlflow_store import FILE, RELEASE_TAG
from slipway.contracts.signature import Field
from slipway.files import read_json
from slipway.project import ModelPaths
from slipway.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

STORE = FILE.parent
ALIAS = "challenger"
_FORBIDDEN = re.compile(r"[^\w\-. :/]")  # in the name of a parameter
_KINDS = {"integer": "long", "number": "double", "string": "string"}
_NEEDED_TO_SCORE = ("lightgbm", "numpy", "polars", "pyyaml")


@dataclass(frozen=True)
class Recorded:
    """Where a release stands in MLflow; ``already`` says that it stood there before."""

    run: str
    version: int
    already: bool


def record(release: Release, paths: ModelPaths) -> Recorded:
    """Record ``release`` in the MLflow store of this clone (sqlite) and alias it ``challenger``."""
    with _mlflow() as mlflow:
        client = mlflow.MlflowClient()
        found = _find(client, release.model, release.digest)
        already = found is not None
        if found is None:
            mlflow.set_experiment(experiment_id=_experiment(client, release.model))
            with mlflow.start_run(run_name=release.digest[:12]) as run:
                _log(mlflow, release, paths)
                found = _register(mlflow, client, release, run.info.run_id)
        client.set_registered_model_alias(release.model, ALIAS, found.version)
        return Recorded(str(found.run_id), int(found.version), already)


def tag(model: str, release: str, name: str, value: str) -> int | None:
    """Set a tag of the model version of ``release``, a digest; its number, or None if it is not recorded here."""
    if not FILE.is_file():
        return None
    with _mlflow() as mlflow:
        client = mlflow.MlflowClient()
        found = _find(client, model, release)
        if found is None:
            return None
        client.set_model_version_tag(model, found.version, name, value)
        return int(found.version)


@contextmanager
def _mlflow() -> Iterator[Any]:
    """MLflow with its telemetry off and its store in this clone."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    import mlflow

    # Its migrations and model logging announce themselves at length; failures still raise.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    STORE.mkdir(exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{FILE}")
    yield mlflow


def _experiment(client: Any, model: str) -> str:
    found = client.get_experiment_by_name(model)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(model, artifact_location=(STORE / "artifacts" / model).resolve().as_uri()))


def _find(client: Any, model: str, release: str) -> ModelVersion | None:
    try:
        versions = client.search_model_versions(f"name = '{model}'")
    except Exception as error:
        raise RuntimeError(f"the MLflow store {STORE} cannot be read: {error}") from error
    return next((version for version in versions if version.tags.get(RELEASE_TAG) == release), None)


def _log(mlflow: Any, release: Release, paths: ModelPaths) -> None:
    params = _flat(read_json(release.folder / "params.json"))
    mlflow.log_params({_FORBIDDEN.sub("_", name): value for name, value in params})
    mlflow.log_metrics(_measures(paths))
    evidence = read_json(release.folder / "evidence.json")
    subject = evidence["verdicts"]["leakage"]["subject"]
    mlflow.set_tags(
        {
            RELEASE_TAG: release.digest,
            "slipway.commit": _commit(),
            **{f"slipway.sha256.{name}": digest for name, digest in subject.items()},
            **{f"slipway.gate.{gate}": _colour(verdict) for gate, verdict in evidence["verdicts"].items()},
        }
    )
    provenance = read_json(paths.provenance)
    mlflow.set_tag("slipway.source", f"{provenance['package']} {provenance['version']}")
    for name in ("evidence.json", "card.md", "provenance.json"):
        mlflow.log_artifact(str(release.folder / name))
    mlflow.log_artifact(str(paths.challenge / "comparison.json"))


def _register(mlflow: Any, client: Any, release: Release, run: str) -> ModelVersion:
    logged = mlflow.pyfunc.log_model(
        name="model",
        # The release itself, read back by slipway: nothing is pickled.
        loader_module="slipway.adapters.pyfunc",
        data_path=str(release.folder.resolve()),
        signature=_signature(release),
        input_example=_example(release),
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in _NEEDED_TO_SCORE],
    )
    version = mlflow.register_model(logged.model_uri, release.model)
    client.set_model_version_tag(release.model, version.version, RELEASE_TAG, release.digest)
    return version  # type: ignore[no-any-return]


def _type(field: Field) -> str:
    # pandas has no integer that can be missing, so a nullable one travels as a double.
    return "double" if field.nullable and field.kind == "integer" else _KINDS[field.kind]


def _example(release: Release) -> pandas.DataFrame:
    import pandas

    request = read_json(release.folder / "example.json")
    doubles = [field.name for field in release.fields if _type(field) == "double"]
    return pandas.DataFrame([request]).astype(dict.fromkeys(doubles, "float64"))


def _signature(release: Release) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(_type(field), field.name, required=not field.nullable) for field in release.fields
    ]
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec("double", release.score_name),
        ColSpec("boolean", release.decision_name),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _measures(paths: ModelPaths) -> dict[str, float]:
    metrics = read_json(paths.evaluation / "metrics.json")
    found = {f"{name}.{end}": entry[end] for name, entry in metrics["overall"].items() for end in entry}
    kpi = {f"kpi.{name}": value for name, value in metrics["kpi"].items() if isinstance(value, float)}
    return found | kpi | {"rows": metrics["rows"], "rate": metrics["rate"]}


def _colour(verdict: Mapping[str, Any]) -> str:
    return "green" if verdict["passed"] else "red"


def _flat(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, entry in value.items() for pair in _flat(entry, f"{prefix}.{key}" if prefix else key)]
    return [(prefix, value)]


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "none"
