"""Pulumi's property values on the wire: protobuf structures with signed objects for secrets and a text for unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.rpc import UNKNOWN

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Python's values, with whole numbers as integers and secrets unwrapped."""
    plain: dict[str, Any] = _plain(json_format.MessageToDict(struct))
    return plain


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The structure for values of JSON's kinds."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(dict(values), struct)
    return struct


def has_unknown(value: Any) -> bool:
    """Whether a value will be known only after something else has been made."""
    if isinstance(value, Mapping):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return bool(value == UNKNOWN)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        # Even a provider that does not accept secrets gets its own configuration with them.
        if value.get(_SIGNATURE) in (_SECRET, _OUTPUT):
            return _plain(value.get("value", UNKNOWN))
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    # A structure has no integers, and Kubernetes refuses 8080.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value
