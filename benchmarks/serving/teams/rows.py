"""The whole job, from a raw row to a decision, with the libraries that a team would reach for.

Rows are checked by a pydantic model with the rules of the release's signature, features come from the model's own
``features.py`` on a polars frame, as in training, and scores from LightGBM's own Python package.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import lightgbm
import numpy as np
import polars as pl
import pydantic
from numpy.typing import NDArray

from slipway.contracts.request import grid
from slipway.contracts.signature import Field, from_json
from slipway.features import Table

_KINDS: dict[str, tuple[type, type[pl.DataType]]] = {
    "integer": (int, pl.Int64), "number": (float, pl.Float64), "string": (str, pl.String)
}  # fmt: skip


class RowsModel:
    """Checks, transforms and scores raw rows.

    Args:
        release: a release's folder.
    """

    def __init__(self, release: str) -> None:
        folder = Path(release)
        fields = from_json(json.loads((folder / "signature.json").read_bytes()))
        row: Any = _row(fields)
        self._rows: pydantic.TypeAdapter[list[pydantic.BaseModel]] = pydantic.TypeAdapter(list[row])
        self._schema = {field.name: _KINDS[field.kind][1] for field in fields}
        self._transform = importlib.import_module(f"models.{folder.parent.name}.features").transform
        self._state = json.loads((folder / "state.json").read_bytes())
        self._threshold = json.loads((folder / "decision.json").read_bytes())["threshold"]
        self._booster = lightgbm.Booster(model_file=str(folder / "model.txt"))

    def answer(self, rows: list[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score and decision of each row.

        Raises:
            pydantic.ValidationError: naming each field and rule that is broken.
        """
        valid = [row.__dict__ for row in self._rows.validate_python(rows)]
        features = self._transform(Table(pl.DataFrame(valid, schema=self._schema)), self._state)
        scores = np.asarray(self._booster.predict(np.column_stack(features)))
        return scores, scores >= self._threshold

    def predict(self, X: NDArray[Any], features_names: Sequence[str], meta: Any = None) -> NDArray[Any]:  # noqa: N803 (Seldon's name)
        """As Seldon's wrapper calls it: columns of score and decision, for an array of shape (rows, fields)."""
        rows = [dict(zip(features_names, row, strict=True)) for row in X.tolist()]
        return np.column_stack(self.answer(rows))

    def class_names(self) -> list[str]:
        """Names of the columns that :meth:`predict` answers."""
        return ["score", "decision"]


def _row(fields: Sequence[Field]) -> type[pydantic.BaseModel]:
    return pydantic.create_model("Request", **{field.name: (_kind(field), ...) for field in fields})  # type: ignore[no-any-return,call-overload]


def _kind(field: Field) -> Any:
    """The type of a field's values with all of the signature's rules."""
    kind: Any = _KINDS[field.kind][0] if field.allowed is None else Literal[field.allowed]
    pattern = None if field.pattern is None else rf"^(?:{field.pattern})$"
    kind = Annotated[kind, pydantic.Field(ge=field.minimum, le=field.maximum, pattern=pattern)]
    on_grid = grid(field)
    if on_grid is not None:

        def checked(value: float) -> float:
            if not on_grid(value):
                raise ValueError(f"not a multiple of {field.multiple_of}")
            return value

        kind = Annotated[kind, pydantic.AfterValidator(checked)]
    return kind | None if field.nullable else kind
