"""The difference between two sets of manifests, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

_MOST = 12
_LONGEST = 90
Objects = dict[tuple[str, str], Any]


def words(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """What becomes of each object, a sentence each; both by the names of the rendered files."""
    was, now = objects(before), objects(after)
    said = []
    for kind, name in sorted(was.keys() | now.keys()):
        if (kind, name) not in was:
            said.append(f"{kind} `{name}` is new.")
        elif (kind, name) not in now:
            said.append(f"{kind} `{name}` goes.")
        else:
            changes = list(_changes("", was[kind, name], now[kind, name]))
            more = [f"and {len(changes) - _MOST} more"] if len(changes) > _MOST else []
            if changes:
                said.append(f"{kind} `{name}` changes: {'; '.join([*changes[:_MOST], *more])}.")
    return said


def objects(files: Mapping[str, bytes]) -> Objects:
    """The objects of rendered files, by kind and name."""
    found = [it for content in files.values() for it in yaml.safe_load_all(content) if isinstance(it, dict)]
    return {(str(it.get("kind")), str((it.get("metadata") or {}).get("name"))): it for it in found}


def _changes(path: str, was: Any, now: Any) -> Iterator[str]:
    if was == now:
        return
    was, now = _keyed(was), _keyed(now)
    if not (isinstance(was, dict) and isinstance(now, dict)):
        yield f"`{path}` from {_told(was)} to {_told(now)}"
        return
    for key in [*was, *(key for key in now if key not in was)]:
        place = f"{path}.{key}" if path and not key.startswith("[") else f"{path}{key}"
        if key not in now:
            yield f"`{place}` goes"
        elif key not in was:
            yield f"`{place}` is new" + (f": {_told(now[key])}" if not isinstance(now[key], dict | list) else "")
        else:
            yield from _changes(place, was[key], now[key])


def _keyed(value: Any) -> Any:
    """A list of named things as a mapping, so that one more of them does not move all that follow."""
    if isinstance(value, list) and value and all(isinstance(it, dict) and "name" in it for it in value):
        names = [f"[{it['name']}]" for it in value]
        return dict(zip(names, value, strict=True)) if len(set(names)) == len(names) else value
    if isinstance(value, list) and any(isinstance(it, dict | list) for it in value):
        return {f"[{place}]": it for place, it in enumerate(value)}
    return value


def _told(value: Any) -> str:
    said = str(value)
    return f"`{said if len(said) <= _LONGEST else said[:_LONGEST] + '…'}`"
