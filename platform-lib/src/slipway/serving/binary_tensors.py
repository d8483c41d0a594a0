"""V2's binary tensor data extension: numbers and texts as bytes behind the JSON of a body.

The header ``Inference-Header-Content-Length`` says how long the JSON is. Behind it stand the tensors that have a
``binary_data_size``, in the order of the JSON: little-endian elements without padding; a BYTES element is preceded by
its length as an unsigned 32-bit integer. A missing value of FP64 or FP32 is NaN; integers and texts have none.

Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol/binary-tensor-data-extension
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from slipway.serving.replies import Refused

HEADER = "inference-header-content-length"
EXTENSION = "binary_tensor_data"
_CODES = {"INT64": "q", "INT32": "i", "FP64": "d", "FP32": "f"}
_LENGTH = struct.Struct("<I")


def split(body: bytes, declared: str | None) -> tuple[bytes, bytes]:
    """The JSON of a body and the bytes behind it.

    Raises:
        Refused: 400 when the header is no length within the body.
    """
    if declared is None:
        return body, b""
    length = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else -1
    if not 0 <= length <= len(body):
        what = f"Inference-Header-Content-Length {ascii(declared)[:40]} does not fit a body of {len(body)} bytes."
        raise Refused(400, what, "It must be the length of the JSON in bytes.")
    return body[:length], body[length:]


class Cursor:
    """Reads the bytes behind the JSON, tensor after tensor."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, name: str, datatype: str, shape: Sequence[int], size: int) -> list[Any]:
        """The elements of the next tensor; NaN becomes None.

        Raises:
            Refused: 400, naming the tensor, when its size fits neither the bytes left nor its shape.
        """
        left = len(self._data) - self._at
        if not 0 <= size <= left:
            raise _misfit(name, f"binary_data_size is {size}, but {left} bytes are left in the body")
        data = self._data[self._at : self._at + size]
        self._at += size
        rows = _rows(name, shape)
        if datatype == "BYTES":
            return _texts(name, data, rows)
        code = _CODES.get(datatype)
        if code is None:
            raise _misfit(name, f"datatype {ascii(datatype)[:20]} has no binary form here")
        if size != rows * struct.calcsize(f"<{code}"):
            raise _misfit(name, f"{size} bytes are not {rows} elements of {datatype}")
        values = struct.unpack(f"<{rows}{code}", data)
        return [None if value != value else value for value in values]

    def end(self) -> None:
        """Raises:
        Refused: 400 when bytes are left that no tensor takes.
        """
        left = len(self._data) - self._at
        if left:
            raise Refused(400, f"{left} bytes behind the JSON belong to no tensor.", "Give binary_data_size.")


def _rows(name: str, shape: Sequence[int]) -> int:
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]) or shape[0] < 0:
        raise _misfit(name, f"shape {str(list(shape))[:60]} is neither [rows] nor [rows, 1]")
    return shape[0]


def _texts(name: str, data: bytes, rows: int) -> list[str]:
    texts: list[str] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise _misfit(name, f"{len(data) - at} bytes at the end are no length of an element")
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        if at + length > len(data):
            raise _misfit(name, f"element {len(texts)} says {length} bytes, but {len(data) - at} are left")
        try:
            texts.append(data[at : at + length].decode())
        except UnicodeDecodeError as error:
            raise _misfit(name, f"element {len(texts)} is not UTF-8") from error
        at += length
    if len(texts) != rows:
        raise _misfit(name, f"it holds {len(texts)} elements for {rows} rows")
    return texts


def _misfit(name: str, what: str) -> Refused:
    return Refused(400, f"Tensor {ascii(name)[:80]}: {what}.", "See V2's binary tensor data extension.")


def encoded(datatype: str, values: Sequence[Any]) -> bytes:
    """The elements of an output, FP64 or BOOL, as bytes."""
    return struct.pack(f"<{len(values)}{'d' if datatype == 'FP64' else '?'}", *values)
