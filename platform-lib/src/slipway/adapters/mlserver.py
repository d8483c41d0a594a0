"""A release as a runtime of MLServer: V2 tensors to the same model class that runs under Seldon's wrapper.

Start it with ``mlserver start FOLDER``, where the folder holds a ``model-settings.json``::

    {"name": "<model>", "implementation": "slipway.adapters.mlserver.MLServerRelease",
     "parameters": {"uri": "/release/<digest>", "version": "<digest>"}}
"""

from __future__ import annotations

from typing import Any

from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor, ResponseOutput

from slipway.adapters.seldon import SeldonRelease
from slipway.contracts.request import RequestBroken

DATATYPES = {"integer": "INT64", "number": "FP64", "string": "BYTES"}


class MLServerRelease(MLModel):  # type: ignore[misc] # MLServer is not installed where types are checked
    """Scores V2 requests with a release: one input tensor per request field, of shape [rows]."""

    async def load(self) -> bool:
        """Verify and load the release in the folder ``parameters.uri``; called in each worker."""
        self._model = SeldonRelease(self.settings.parameters.uri)
        fields = self._model.release.fields
        self._outputs = dict(zip(self._model.class_names(), ("FP64", "BOOL"), strict=True))
        self.inputs = [MetadataTensor(name=f.name, datatype=DATATYPES[f.kind], shape=[-1]) for f in fields]
        self.outputs = [MetadataTensor(name=n, datatype=kind, shape=[-1]) for n, kind in self._outputs.items()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score and decision of each row.

        With adaptive batching, which is off by default, MLServer merges the rows of several callers before it calls:
        one row that breaks the signature then refuses them all.

        Raises:
            InferenceError: which MLServer answers with 400, for a request that breaks the signature.
        """
        try:
            answers = self._model.predict(_rows(payload), [])
        except RequestBroken as broken:
            raise InferenceError(str(broken)) from broken
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                ResponseOutput(name=name, shape=[len(answers)], datatype=kind, data=answers[:, column].tolist())
                for column, (name, kind) in enumerate(self._outputs.items())
            ],
        )


def _rows(payload: InferenceRequest) -> list[dict[str, Any]]:
    names = [tensor.name for tensor in payload.inputs]
    columns = [list(tensor.data) for tensor in payload.inputs]
    if len({len(column) for column in columns}) > 1 or len(set(names)) < len(names):
        raise InferenceError("Each input tensor must have a name of its own, and all of them as many rows.")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
