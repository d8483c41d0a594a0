"""From a release's folder to answers, by the code and the state that travel inside it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from slipway.contracts.signature import Field, from_json
from slipway.features import Row, Table
from slipway.release.manifest import ReleaseBroken, verify

if TYPE_CHECKING:
    import lightgbm
    import polars as pl

_MANY_ROWS = 10_000


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
    _booster: lightgbm.Booster

    @property
    def score_name(self) -> str:
        """What the score is called in answers, e.g. "late_probability"."""
        return str(self.card["output"]["score"])

    @property
    def decision_name(self) -> str:
        """What the decision is called in answers, e.g. "late"."""
        return str(self.card["output"]["decision"])

    def score_row(self, request: Mapping[str, Any]) -> float:
        """Score one request (field name to value, None for null) that keeps the signature."""
        values = self._features.transform(Row(request), self._state)
        return float(self._predict(np.array([values], dtype=np.float64))[0])

    def score_table(self, raw: pl.DataFrame) -> NDArray[np.float64]:
        """Score each row of a raw table; equal, bit by bit, to ``score_row`` of each."""
        columns = self._features.transform(Table(raw), self._state)
        return self._predict(np.column_stack(columns))

    def _predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        # Waking OpenMP's threads takes longer than a small batch (8 ms against 0.1 ms for 100 rows on 2 cores).
        return np.asarray(self._booster.predict(features, num_threads=1 if len(features) < _MANY_ROWS else 0))


def load(folder: Path) -> Release:
    """Verify the release in ``folder``, which is named by its digest, and load it.

    Raises:
        ReleaseBroken: when it does not verify.
    """
    # Here, for importing it takes a second, and verifying or packaging a release loads no model.
    import lightgbm

    manifest = verify(folder)
    digest = folder.resolve().name

    def verified(name: str) -> bytes:
        return _read(folder, name, manifest)

    return Release(
        folder=folder,
        digest=digest,
        model=manifest["model"],
        fields=from_json(json.loads(verified("signature.json"))),
        card=yaml.safe_load(verified("model.yaml")),
        threshold=json.loads(verified("decision.json"))["threshold"],
        _features=_module(verified("model/features.py"), digest),
        _state=json.loads(verified("state.json")),
        _booster=lightgbm.Booster(model_str=verified("model.txt").decode()),
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
