"""The whole job as a custom runtime of MLServer, as its documentation shows one."""

from __future__ import annotations

from typing import Any

import pydantic
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.teams.rows import RowsModel


class RowsRuntime(MLModel):  # type: ignore[misc] # MLServer is not installed where types are checked
    """Answers V2 requests with one tensor per field of the row."""

    async def load(self) -> bool:
        """Load the release in the folder ``parameters.uri``."""
        self._model = RowsModel(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score and decision of each row; a row that breaks a rule is answered with 400."""
        columns: dict[str, Any] = {tensor.name: tensor.data.root for tensor in payload.inputs}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        try:
            scores, decisions = self._model.answer(rows)
        except pydantic.ValidationError as error:
            raise InferenceError(str(error)) from error
        return InferenceResponse(
            model_name=self.name,
            outputs=[NumpyCodec.encode_output("score", scores), NumpyCodec.encode_output("decision", decisions)],
        )
