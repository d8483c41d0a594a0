"""From a release's folder to answers, by the code and the state that travel inside it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from slipway.contracts.signature import Field, from_json
from slipway.features import Row, Table
from slipway.features.tracing import Traced, trace
from slipway.release.booster import Booster
from slipway.release.manifest import ReleaseBroken, verify

if TYPE_CHECKING:
    import polars as pl

# From so many rows on a table is faster: it takes 2.5 ms and 19 µs a row, row by row takes 10 to 24 µs a row.
TABLE_ROWS = 400
_TYPES = {"integer": "Int64", "number": "Float64", "string": "String"}  # polars' names of them


@dataclass(frozen=True)
class Release:
    """A verified release, ready to answer.

    Attributes:
        folder: where it stands.
        digest: its name, 64 hex digits.
        model: the model's name.
        fields: the rules of each request field, in the order of the signature.
        card: the content of its model.yaml.
        threshold: the score from which the decision is positive.
    """

    folder: Path
    digest: str
    model: str
    fields: list[Field]
    card: dict[str, Any]
    threshold: float
    _features: ModuleType
    _state: dict[str, Any]
    _booster: Booster

    @property
    def score_name(self) -> str:
        """What the score is called in answers, e.g. "late_probability"."""
        return str(self.card["output"]["score"])

    @property
    def decision_name(self) -> str:
        """What the decision is called in answers, e.g. "late"."""
        return str(self.card["output"]["decision"])

    @property
    def trees(self) -> int:
        """Number of trees of the model."""
        return self._booster.trees

    def score_row(self, request: Mapping[str, Any]) -> float:
        """Score one request (field name to value, None for null) that keeps the signature."""
        return self._booster.score(self._features.transform(Row(request), self._state))

    @property
    def booster(self) -> Booster:
        return self._booster

    @property
    def feature_names(self) -> list[str]:
        return list(self._features.NAMES)

    def features_of(self, request: Mapping[str, Any]) -> list[float]:
        """The features of one request that keeps the signature, of shape (features,)."""
        return [float(value) for value in self._features.transform(Row(request), self._state)]

    def trace(self, request: Mapping[str, Any]) -> list[Traced]:
        """The features of one request, each with the fields that it comes from."""
        return trace(self._features.transform, self._state, request)

    def score_columns(self, columns: Mapping[str, Sequence[Any]]) -> list[float]:
        """Score rows that keep the signature and come as columns of equal length; equal bits to ``score_row``.

        A table costs milliseconds before its first row, so few rows are scored one by one.
        """
        rows = len(next(iter(columns.values())))
        if rows >= TABLE_ROWS:
            import polars as pl  # not above: verifying a release must not wait for it

            scores: list[float] = self.score_table(pl.DataFrame(columns, schema=self.schema)).tolist()
            return scores
        names = list(columns)
        score, transform, state = self._booster.score, self._features.transform, self._state
        return [
            score(transform(Row(dict(zip(names, values, strict=True))), state))
            for values in zip(*columns.values(), strict=True)
        ]

    def score_table(self, raw: pl.DataFrame) -> NDArray[np.float64]:
        """Score each row of a raw table; equal, bit by bit, to ``score_row`` of each."""
        columns = self._features.transform(Table(raw), self._state)
        return self._booster.predict(np.column_stack(columns))

    @cached_property
    def schema(self) -> dict[str, type[pl.DataType]]:
        """The polars type of each request field, in the order of the signature."""
        import polars as pl

        return {field.name: getattr(pl, _TYPES[field.kind]) for field in self.fields}


def load(folder: Path, manifest: dict[str, Any] | None = None) -> Release:
    """Verify the release in ``folder``, which is named by its digest, and load it.

    Args:
        folder: the release; of a link, what it leads to now.
        manifest: what :func:`slipway.release.trust.verify` returned of it, so that it is not verified a second time;
            whatever is loaded is held against it in any case.

    Raises:
        ReleaseBroken: when it does not verify.
    """
    folder = folder.resolve()  # Once: a link that is moved meanwhile must not lead to another release.
    listed = verify(folder) if manifest is None else manifest
    digest = folder.name

    def verified(name: str) -> bytes:
        return _read(folder, name, listed)

    return Release(
        folder=folder,
        digest=digest,
        model=listed["model"],
        fields=from_json(json.loads(verified("signature.json"))),
        card=yaml.safe_load(verified("model.yaml")),
        threshold=json.loads(verified("decision.json"))["threshold"],
        _features=_module(verified("model/features.py"), digest),
        _state=json.loads(verified("state.json")),
        _booster=Booster(verified("model.txt")),
    )


def _read(folder: Path, name: str, manifest: dict[str, Any]) -> bytes:
    """The very bytes that the manifest names, even if the file changes while it is being loaded."""
    listed = manifest["files"].get(name)
    if listed is None:
        raise ReleaseBroken(f"{folder} is not a whole release: it holds no {name}.", "Fetch the release again.")
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != listed["sha256"]:
        raise ReleaseBroken(f"{folder / name} changed while it was being loaded.", "Fetch the release again.")
    return content


def _module(source: bytes, digest: str) -> ModuleType:
    """Run the release's own features.py, from verified source and never from bytecode that lies about.

    It gets a name of its own, so that two releases can be loaded at once.
    """
    name = f"slipway_release_{digest[:16]}_features"
    loaded = ModuleType(name)
    sys.modules[name] = loaded
    exec(compile(source, f"{digest[:16]}/model/features.py", "exec"), loaded.__dict__)
    return loaded
