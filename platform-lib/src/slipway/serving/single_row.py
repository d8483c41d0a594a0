"""Reading one valid row at the speed of C: decoders compiled from the signature.

A decoder here knows every rule of every field, so that decoding a body validates it too. It only ever says yes: what
it does not take (another order of columns, several rows, extra keys, a doubled key, anything wrong) is None, and the
general path reads the body anew and answers or explains. Whatever it takes, the general path takes with equal values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union

import msgspec

from slipway.contracts.request import INT64, grid
from slipway.contracts.signature import Field

Row = dict[str, Any]
Grids = list[tuple[str, Callable[[Any], bool]]]
_INT32 = (-(2**31), 2**31 - 1)
# Below this an integer literal lies within 64 bits, however it was written.
_LARGEST = math.nextafter(2.0**63, 0.0)


class V2Row:
    """Reads a V2 infer request of one row: one tensor of shape [1] per field, in any order, and perhaps an id."""

    def __init__(self, fields: Sequence[Field], datatypes: Mapping[str, tuple[str, ...]]) -> None:
        tensors = tuple(_tensor(field, datatypes[field.kind]) for field in fields)
        inputs = list[Union[tensors]]  # type: ignore[valid-type]  # noqa: UP007 (made at run time)
        request = _struct("Request", inputs=inputs, id=str | msgspec.UnsetType)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(request).decode
        self._width = len(tensors)
        # One per key: "inputs", and name, shape, datatype and data of each tensor.
        self._colons = 1 + 4 * self._width
        self._grids = _grids(fields)

    def read(self, body: bytes) -> tuple[str | None, Row] | None:
        """The caller's id, if any, and the row; or None for a body that is something else."""
        try:
            request = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        identity = request.id
        colons = self._colons
        if identity is msgspec.UNSET:
            identity = None
        else:
            colons += 1
        # A decoder keeps the last of two equal keys; with as many colons as keys there are no doubles.
        if body.count(b":") != colons:
            return None
        row = {tensor.field: tensor.data[0] for tensor in request.inputs}
        return (identity, row) if len(row) == self._width and _on_grids(row, self._grids) else None


class SeldonRow:
    """Reads a SeldonMessage of one row: jsonData, or data.ndarray in the order of the signature."""

    def __init__(self, fields: Sequence[Field]) -> None:
        names = [field.name for field in fields]
        # Fields of a struct must be Python names; columns need not.
        keys = {f"f{number}": name for number, name in enumerate(names)}
        kinds: dict[str, Any] = {key: _value(field) for key, field in zip(keys, fields, strict=True)}
        mapping: Any = msgspec.defstruct(
            "Mapping", list(kinds.items()), rename=keys, forbid_unknown_fields=True, gc=False
        )
        array: Any = msgspec.defstruct(
            "Array", list(kinds.items()), array_like=True, forbid_unknown_fields=True, gc=False
        )
        columns: Any = tuple.__class_getitem__(tuple(Literal[name] for name in names))
        data: Any = msgspec.defstruct(
            "Data", [("ndarray", tuple[array]), ("names", columns | msgspec.UnsetType, msgspec.UNSET)], gc=False
        )
        meta: Any = _struct("Meta", puid=str | msgspec.UnsetType)
        message = _struct(
            "Message",
            jsonData=mapping | msgspec.UnsetType, data=data | msgspec.UnsetType, meta=meta | msgspec.UnsetType,
        )  # fmt: skip
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(message).decode
        self._names = names
        self._grids = _grids(fields)

    def read(self, body: bytes) -> tuple[str | None, Row] | None:
        """The caller's id, if any, and the row; or None for a body that is something else."""
        try:
            message = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        unset = msgspec.UNSET
        mapping, data, meta = message.jsonData, message.data, message.meta
        if mapping is not unset and data is unset:
            values, colons = mapping, 1 + len(self._names)
        elif data is not unset and mapping is unset:
            values, colons = data.ndarray[0], 2 if data.names is unset else 3
        else:
            return None
        identity = None
        if meta is not unset:
            colons += 1
            if meta.puid is not unset:
                colons += 1
                identity = meta.puid
        if body.count(b":") != colons:
            return None
        row = dict(zip(self._names, msgspec.structs.astuple(values), strict=True))
        return (identity, row) if _on_grids(row, self._grids) else None


def _grids(fields: Sequence[Field]) -> Grids:
    """What a type cannot say: that a value is a multiple, within a tolerance."""
    return [(field.name, on_grid) for field in fields if (on_grid := grid(field)) is not None]


def _on_grids(row: Row, grids: Grids) -> bool:
    for name, on_grid in grids:
        value = row[name]
        if value is not None and not on_grid(value):
            return False
    return True


def _struct(name: str, **fields: Any) -> type[msgspec.Struct]:
    """A struct for decoding; a field that may be unset is so by default."""
    optional = [(key, kind, msgspec.UNSET) for key, kind in fields.items() if _may_be_unset(kind)]
    required = [(key, kind) for key, kind in fields.items() if not _may_be_unset(kind)]
    return msgspec.defstruct(name, [*required, *optional], gc=False)


def _may_be_unset(kind: Any) -> bool:
    return msgspec.UnsetType in getattr(kind, "__args__", ())


def _tensor(field: Field, datatypes: Sequence[str]) -> type[msgspec.Struct]:
    """A tensor of one value, told by its name from those of the other fields."""
    fitting = tuple(name for name in datatypes if name != "INT32" or _within_int32(field))
    return msgspec.defstruct(
        "Tensor",
        [("shape", tuple[Literal[1]]), ("datatype", Literal[fitting]), ("data", tuple[_value(field)])],  # type: ignore[misc]
        tag_field="name", tag=field.name, namespace={"field": field.name}, gc=False,
    )  # fmt: skip


def _within_int32(field: Field) -> bool:
    low, high = field.minimum, field.maximum
    return low is not None and high is not None and _INT32[0] <= low and high <= _INT32[1]


def _value(field: Field) -> Any:
    """The type of a field's values, with all rules but ``multiple_of``."""
    match field.kind:
        case "integer":
            low = INT64[0] if field.minimum is None else max(math.ceil(field.minimum), INT64[0])
            high = INT64[1] if field.maximum is None else min(math.floor(field.maximum), INT64[1])
            kind: Any = Annotated[int, msgspec.Meta(ge=low, le=high)]
        case "number":
            lowest = -_LARGEST if field.minimum is None else max(float(field.minimum), -_LARGEST)
            highest = _LARGEST if field.maximum is None else min(float(field.maximum), _LARGEST)
            kind = Annotated[float, msgspec.Meta(ge=lowest, le=highest)]
        case _:
            kind = _text(field)
    return kind | None if field.nullable else kind


def _text(field: Field) -> Any:
    if field.allowed is not None and field.pattern is None:
        return Literal[tuple(field.allowed)]
    if field.allowed is not None:
        return Literal[tuple(value for value in field.allowed if re.fullmatch(str(field.pattern), value))]
    if field.pattern is not None:
        return Annotated[str, msgspec.Meta(pattern=rf"\A(?:{field.pattern})\Z")]
    return str
