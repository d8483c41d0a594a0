"""Files that another process may read at any moment: each is either the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Replace the file at once, and make its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(data)
    fresh.replace(path)
