"""Real one-row requests in the words of each protocol, made of the newest validated rows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from slipway import project
from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field, from_json
from slipway.features import Row
from slipway.files import read_json

DATATYPES = {"integer": "INT64", "number": "FP64", "string": "BYTES"}
_ROWS = 512


@dataclass(frozen=True)
class Requests:
    """Bodies for one path.

    Attributes:
        path: where they are posted to.
        bodies: JSON, each of another row.
    """

    path: str
    bodies: Sequence[bytes]

    def write(self, file: Path) -> Path:
        """One body a line, as the wrk script reads them."""
        file.write_bytes(b"\n".join(self.bodies) + b"\n")
        return file


def rows(release: Path) -> list[dict[str, Any]]:
    """The newest validated rows of the release's model, cut to its signature; each keeps the signature's rules."""
    rules = RequestRules(fields(release))
    file = max(project.paths(release.parent.name).validated.glob("*.parquet"))
    return [rules.row(row) for row in pl.read_parquet(file).tail(_ROWS).select(rules.names).to_dicts()]


def fields(release: Path) -> list[Field]:
    """The fields of the release's signature."""
    return from_json(read_json(release / "signature.json"))


def open_inference(release: Path) -> Requests:
    """V2 infer requests: one tensor for each field."""
    kinds = [(field.name, DATATYPES[field.kind]) for field in fields(release)]

    def body(row: dict[str, Any]) -> bytes:
        tensors = [{"name": name, "shape": [1], "datatype": kind, "data": [row[name]]} for name, kind in kinds]
        return json.dumps({"inputs": tensors}).encode()

    return Requests(f"/v2/models/{release.parent.name}/infer", [body(row) for row in rows(release)])


def seldon(release: Path) -> Requests:
    """Seldon v1 prediction requests: ``data.ndarray`` with the names of its columns."""

    def body(row: dict[str, Any]) -> bytes:
        return json.dumps({"data": {"names": list(row), "ndarray": [list(row.values())]}}).encode()

    return Requests("/api/v1.0/predictions", [body(row) for row in rows(release)])


def open_inference_features(release: Path) -> Requests:
    """V2 infer requests of the same rows' features: one tensor of shape [1, features]."""

    def body(values: list[float | None]) -> bytes:
        tensor = {"name": "features", "shape": [1, len(values)], "datatype": "FP64", "data": values}
        return json.dumps({"inputs": [tensor]}).encode()

    return Requests(f"/v2/models/{release.parent.name}/infer", [body(values) for values in features(release)])


def seldon_features(release: Path) -> Requests:
    """Seldon v1 prediction requests of the same rows' features: ``data.ndarray`` of numbers."""
    bodies = [json.dumps({"data": {"ndarray": [values]}}).encode() for values in features(release)]
    return Requests("/api/v1.0/predictions", bodies)


def features(release: Path) -> list[list[float | None]]:
    """The model's input for each of :func:`rows`; a missing value is None, for JSON has no NaN."""
    transform = project.module(release.parent.name, "features").transform
    state = read_json(release / "state.json")
    return [
        [None if math.isnan(value) else float(value) for value in transform(Row(row), state)] for row in rows(release)
    ]
