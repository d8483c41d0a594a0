"""The messages of the Open Inference Protocol V2, as far as they are read; other keys are ignored."""

from __future__ import annotations

from typing import Any

import msgspec


class TensorParameters(msgspec.Struct):
    """What an input says of itself beside its data."""

    binary_data_size: int | msgspec.UnsetType | None = msgspec.UNSET


class Tensor(msgspec.Struct):
    """One input."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET
    parameters: TensorParameters | msgspec.UnsetType | None = msgspec.UNSET


class WantedParameters(msgspec.Struct):
    """How an output is asked for."""

    binary_data: bool | msgspec.UnsetType | None = msgspec.UNSET


class Wanted(msgspec.Struct):
    """One output that the caller asks for."""

    name: str
    parameters: WantedParameters | msgspec.UnsetType | None = msgspec.UNSET


class RequestParameters(msgspec.Struct):
    """What holds for the whole request."""

    binary_data_output: bool | msgspec.UnsetType | None = msgspec.UNSET


class InferRequest(msgspec.Struct):
    """The body of an infer request."""

    inputs: list[Tensor]
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    outputs: list[Wanted] | msgspec.UnsetType | None = msgspec.UNSET
    parameters: RequestParameters | msgspec.UnsetType | None = msgspec.UNSET


def keys(message: InferRequest) -> int:
    """How many keys a message was read from, as far as its types know them."""
    unset = msgspec.UNSET
    count = 1 + (message.id is not unset) + (message.outputs is not unset)
    for tensor in message.inputs:
        count += 3 + (tensor.data is not unset) + _parameter_keys(tensor.parameters, "binary_data_size")
    for output in message.outputs or ():
        count += 1 + _parameter_keys(output.parameters, "binary_data")
    return count + _parameter_keys(message.parameters, "binary_data_output")


def _parameter_keys(parameters: Any, name: str) -> int:
    if parameters is msgspec.UNSET:
        return 0
    return 1 + (parameters is not None and getattr(parameters, name) is not msgspec.UNSET)
