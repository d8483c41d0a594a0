"""Between protobuf's messages and those of the REST path.

Contents are typed or raw. Neither knows null: NaN in FP64 or FP32 stands for a missing value, and an integer field that
may be missing is sent as FP64, as a whole float is an integer. Texts cannot be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.serving import binary_tensors
from slipway.serving.grpc import open_inference_pb2 as pb
from slipway.serving.replies import Refused
from slipway.serving.v2_messages import InferRequest, Tensor, TensorParameters, Wanted

_CONTENTS = {
    "BOOL": "bool_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def decoded(message: pb.ModelInferRequest) -> tuple[InferRequest, bytes]:
    """The request as the REST path knows it, and the bytes of its raw tensors, one after the other.

    Raises:
        Refused: 400 when contents are both typed and raw, of another type than the tensor says, or no UTF-8.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        what = f"There are {len(message.inputs)} inputs and {len(raw)} raw_input_contents."
        raise Refused(400, what, "Send the raw bytes of every input, or of none.")
    sizes = [len(content) for content in raw] if raw else [None] * len(message.inputs)
    inputs = [_tensor(tensor, size) for tensor, size in zip(message.inputs, sizes, strict=True)]
    wanted = [Wanted(output.name) for output in message.outputs]
    return InferRequest(inputs, id=message.id, outputs=wanted), b"".join(raw)


def _tensor(tensor: pb.ModelInferRequest.InferInputTensor, raw_size: int | None) -> Tensor:
    shape = list(tensor.shape)
    filled = [descriptor.name for descriptor, _ in tensor.contents.ListFields()]
    if raw_size is not None:
        if filled:
            what = f"Tensor {tensor.name!r} has contents, and raw_input_contents are there too."
            raise Refused(400, what, "Send one of the two.")
        return Tensor(tensor.name, shape, tensor.datatype, parameters=TensorParameters(raw_size))
    expected = _CONTENTS.get(tensor.datatype)
    if expected is None or filled not in ([], [expected]):
        what = f"Tensor {tensor.name!r} of datatype {tensor.datatype!r} has {', '.join(filled) or 'no contents'}."
        raise Refused(400, what, f"Fill {expected}." if expected else f"Datatypes: {', '.join(_CONTENTS)}.")
    return Tensor(tensor.name, shape, tensor.datatype, _values(tensor.name, getattr(tensor.contents, expected)))


def _values(name: str, contents: Sequence[Any]) -> list[Any]:
    values = list(contents)
    if values and isinstance(values[0], bytes):
        try:
            return [value.decode() for value in values]
        except UnicodeDecodeError:
            raise Refused(400, f"Tensor {name!r} holds bytes that are not UTF-8.", "Encode texts as UTF-8.") from None
    return [None if value != value else value for value in values]


def encoded(answer: Mapping[str, Any], raw: bool) -> pb.ModelInferResponse:
    """The REST path's answer as a protobuf message, its outputs as raw bytes or typed."""
    outputs = []
    for output in answer["outputs"]:
        tensor = pb.ModelInferResponse.InferOutputTensor(
            name=output["name"], datatype=output["datatype"], shape=output["shape"]
        )
        if not raw:
            getattr(tensor.contents, _CONTENTS[output["datatype"]]).extend(output["data"])
        outputs.append(tensor)
    return pb.ModelInferResponse(
        model_name=answer["model_name"],
        model_version=answer["model_version"],
        id=answer["id"],
        outputs=outputs,
        raw_output_contents=[binary_tensors.encoded(each["datatype"], each["data"]) for each in answer["outputs"]]
        if raw
        else [],
    )


def described(facts: Mapping[str, Any]) -> pb.ModelMetadataResponse:
    """The REST path's metadata of the model as a protobuf message."""
    inputs, outputs = (
        [
            pb.ModelMetadataResponse.TensorMetadata(name=each["name"], datatype=each["datatype"], shape=each["shape"])
            for each in facts[side]
        ]
        for side in ("inputs", "outputs")
    )
    return pb.ModelMetadataResponse(
        name=facts["name"], versions=facts["versions"], platform=facts["platform"], inputs=inputs, outputs=outputs
    )
