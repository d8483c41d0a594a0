"""How the versions of a Kubernetes object compare: what was asked for, what is there, and what cannot be changed."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

Object = dict[str, Any]
SERVER_SIDE = ("uid", "resourceVersion", "creationTimestamp", "generation")
"""What the API server alone decides, in metadata."""
_IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "PersistentVolumeClaim": ("spec.storageClassName", "spec.accessModes", "spec.volumeName"),
    "Job": ("spec.template", "spec.selector"),
    "ClusterRoleBinding": ("roleRef",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
}


def name_of(item: Mapping[str, Any]) -> str:
    """`namespace/name`, or the name alone."""
    metadata = item.get("metadata", {})
    return "/".join(part for part in (metadata.get("namespace"), metadata.get("name")) if part)


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Where two values differ, as paths with dots."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, f"{path}[{index}]")
    elif old != new and not (_is_empty(old) and _is_empty(new)):
        yield path


def replaced_by(kind: str, changed: list[str], mutable: frozenset[str]) -> list[str]:
    """Those of the changed paths that need another object.

    Args:
        kind: of the object
        changed: paths with dots
        mutable: of Secret and ConfigMap, those whose data the provider's configuration allows to be changed
    """
    fixed = ["kind", "apiVersion", "metadata.name", "metadata.namespace", *_IMMUTABLE.get(kind, ())]
    if kind in ("Secret", "ConfigMap") and kind not in mutable:
        fixed += ["data", "stringData", "binaryData"]
    return [path for path in changed if any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in fixed)]


def inputs_now(old: Object, live: Object) -> Object:
    """What the inputs would be if somebody had asked for what is there: the fields of `old`, with live values.

    What is written as `stringData` is only ever read as `data`.
    """
    seen = {key: value for key, value in live.items() if key != "status"}
    if "stringData" in old:
        data = live.get("data", {})
        seen["stringData"] = {key: base64.b64decode(data[key]).decode() for key in old["stringData"] if key in data}
    pruned: Object = _pruned(old, seen)
    return pruned


def outputs_of(inputs: Object, live: Object) -> Object:
    """What the program may read: the live object, and the inputs that the API server does not give back."""
    shown = {**live, "metadata": {key: value for key, value in live["metadata"].items() if key != "managedFields"}}
    return {**shown, "stringData": inputs["stringData"]} if "stringData" in inputs else shown


def foreseen(inputs: Object) -> Object:
    """What a preview can say of an object: its inputs, and that the rest is not known yet."""
    metadata = {**inputs.get("metadata", {}), **dict.fromkeys(SERVER_SIDE, UNKNOWN)}
    return {**inputs, "metadata": metadata, "status": UNKNOWN}


def _pruned(wanted: Any, live: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict):
        # An empty value that the server has dropped is as it was asked for.
        kept = {key: _pruned(value, live.get(key)) for key, value in wanted.items()}
        return {key: value for key, value in kept.items() if value is not None}
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        return [_pruned(before, after) for before, after in zip(wanted, live, strict=True)]
    if live is None and _is_empty(wanted):
        return wanted
    return live if not _is_same(wanted, live) else wanted


def _is_empty(value: Any) -> bool:
    return value is None or value == {} or value == [] or value == "" or value is False


def _is_same(wanted: Any, live: Any) -> bool:
    """Whether the API server has only written a quantity in another way: 1000m as 1, a number as text."""
    if isinstance(wanted, str | int) and isinstance(live, str | int) and not isinstance(wanted, bool):
        return _quantity(str(wanted)) == _quantity(str(live))
    return bool(wanted == live)


def _quantity(text: str) -> str:
    if text.endswith("m") and text[:-1].isdigit() and int(text[:-1]) % 1000 == 0:
        return str(int(text[:-1]) // 1000)
    return text
