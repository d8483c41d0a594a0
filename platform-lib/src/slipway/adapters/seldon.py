"""A release as a model class of Seldon's Python wrapper, for who must stay with ``seldon-core-microservice``.

It imports nothing of Seldon's, so that MLServer runs the very same class (:mod:`slipway.adapters.mlserver`), and
nothing of :mod:`slipway.serving`, whose packages the wrapper's environment cannot hold. Start it with::

    seldon-core-microservice slipway.adapters.seldon.SeldonRelease \\
        --parameters '[{"name": "release", "value": "/release/<digest>", "type": "STRING"}]'

Before the wrapper calls a model it turns ``data.ndarray`` into one numpy array, so that numbers beside text arrive
as text. They are read back here to the same bits; what cannot be seen any more is whether the client had written
``"12"`` in place of ``12``. ``jsonData`` arrives as it was sent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.contracts.request import Breach, RequestBroken, RequestRules, first_doubled
from slipway.release import load

if TYPE_CHECKING:
    import flask

Rows = list[dict[str, Any]]


class SeldonRelease:
    """Scores requests with a release, called as Seldon's wrapper calls a model.

    Args:
        release: the release's folder, named by its digest.

    Raises:
        ReleaseBroken: when it does not verify.
    """

    def __init__(self, release: str) -> None:
        self.release = load(Path(release))
        self._rules = RequestRules(self.release.fields)
        self._kinds = {field.name: field.kind for field in self.release.fields}
        # The wrapper may call from several threads (GUNICORN_THREADS); a release promises to answer one.
        self._one_at_a_time = threading.Lock()

    def predict(
        self, data: NDArray[Any] | dict[str, Any] | list[Any], names: Sequence[str], meta: Any = None
    ) -> NDArray[Any]:
        """Score and decision of each row, as an object array of shape (rows, 2).

        Args:
            data: an array of shape (rows, columns), a map of field to value, or a list of such maps.
            names: the columns of an array; empty for the order of the signature.
            meta: the wrapper's; not used.

        Raises:
            RequestBroken: naming field, rule and row of each breach; the wrapper answers it with 400.
        """
        scores = self._scores(self._rows(data, list(names)))
        # An array of objects: the wrapper would make numbers of the decisions in any other.
        return np.array([[score, score >= self.release.threshold] for score in scores], dtype=object)

    def class_names(self) -> list[str]:
        """Names of the columns that :meth:`predict` answers."""
        return [self.release.score_name, self.release.decision_name]

    def tags(self) -> dict[str, str]:
        """What the wrapper writes into the answer's meta.tags."""
        return {"release": self.release.digest, "model": self.release.model}

    def health_status(self) -> str:
        """What /health/status answers: a loaded release is verified and can answer."""
        return "ready"

    def init_metadata(self) -> dict[str, Any]:
        """What /metadata answers."""

        def message(names: list[str]) -> list[dict[str, Any]]:
            return [{"messagetype": "ndarray", "schema": {"names": names, "shape": [len(names)]}}]

        return {
            "name": self.release.model,
            "versions": [self.release.digest],
            "platform": "lightgbm",
            "inputs": message(list(self._rules.names)),
            "outputs": message(self.class_names()),
            "custom": {},
        }

    @property
    def model_error_handler(self) -> flask.Blueprint:
        """The blueprint by which the wrapper lets a model word its own errors; here a 400 for a broken request."""
        import flask

        blueprint = flask.Blueprint("slipway", __name__)
        blueprint.app_errorhandler(RequestBroken)(lambda broken: (flask.jsonify(refusal(broken)), 400))
        return blueprint

    def _scores(self, rows: Rows) -> list[float]:
        if len(rows) == 1:
            row = self._rules.row(rows[0])
            with self._one_at_a_time:
                return [self.release.score_row(row)]
        table = pl.DataFrame(self._rules.rows(rows), schema=self.release.schema)
        with self._one_at_a_time:
            return [float(score) for score in self.release.score_table(table)]

    def _rows(self, data: Any, names: list[str]) -> Rows:
        rows = self._from_array(data, names) if isinstance(data, np.ndarray) else data
        if isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _broken("type", "the message must hold data.ndarray, data.tensor or jsonData")
        if not rows:
            raise _broken("length", "there are 0 rows; send at least one")
        return rows

    def _from_array(self, data: NDArray[Any], names: list[str]) -> Rows:
        names = names or list(self._rules.names)
        if len(set(names)) != len(names):
            raise RequestBroken([Breach(first_doubled(names), "duplicate", None, "two columns have this name")])
        if data.ndim != 2 or data.shape[1] != len(names):
            raise _broken("length", f"the array's shape {list(data.shape)} does not fit {len(names)} columns")
        rows = [dict(zip(names, row, strict=True)) for row in data.tolist()]
        return [self._read_back(row) for row in rows] if data.dtype.kind == "U" else rows

    def _read_back(self, row: dict[str, Any]) -> dict[str, Any]:
        text = (None, "string")
        return {name: value if self._kinds.get(name) in text else _number(value) for name, value in row.items()}


def refusal(broken: RequestBroken) -> dict[str, Any]:
    """A broken request in Seldon's words, as ``slipway serve`` answers it."""
    details = [
        {"field": breach.field, "rule": breach.rule, "row": breach.row, "message": breach.message}
        for breach in broken.breaches
    ]
    status = {"code": int(HTTPStatus.BAD_REQUEST), "info": str(broken), "reason": "MICROSERVICE_BAD_DATA"}
    return {"status": {**status, "status": "FAILURE"}, "meta": {"tags": {"details": details}}}


def _number(text: str) -> Any:
    """The number that numpy wrote as text, or the text where it is none."""
    try:
        number = json.loads(text)
    except ValueError:
        return text
    return number if type(number) in (int, float) else text


def _broken(rule: str, message: str) -> RequestBroken:
    return RequestBroken([Breach("data", rule, None, message)])
