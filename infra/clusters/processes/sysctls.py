"""The kernel settings of the whole machine that a kubelet overwrites: saved by the first stack, restored by the last.

The kubelet sets them when it starts (`setupKernelTunables` in pkg/kubelet/cm/container_manager_linux.go).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.files import write

OVERWRITTEN = (
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
)
ROOT = Path("/proc/sys")


def values(root: Path = ROOT) -> dict[str, str]:
    """What the settings are now, of those that this kernel has."""
    paths = {name: root / name.replace(".", "/") for name in OVERWRITTEN}
    return {name: path.read_text().strip() for name, path in paths.items() if path.exists()}


def save(record: Path, stack: str, root: Path = ROOT) -> None:
    """Note that the stack runs, and on the first one of this boot what the settings are. The caller holds a lock."""
    saved = _load(record, root) or {"boot": _boot(root), "values": values(root), "stacks": []}
    if stack not in saved["stacks"]:
        saved["stacks"].append(stack)
    write(record, json.dumps(saved))


def restore(record: Path, stack: str, root: Path = ROOT) -> None:
    """Note that the stack no longer runs, and after the last one put the settings back. The caller holds a lock."""
    saved = _load(record, root)
    if saved is None:
        record.unlink(missing_ok=True)
        return
    saved["stacks"] = [other for other in saved["stacks"] if other != stack]
    if saved["stacks"]:
        write(record, json.dumps(saved))
        return
    for name, value in saved["values"].items():
        (root / name.replace(".", "/")).write_text(value)
    record.unlink()


def _load(record: Path, root: Path) -> dict[str, Any] | None:
    """The record, unless it is damaged or of an earlier boot, which has set them anew."""
    try:
        saved: dict[str, Any] = json.loads(record.read_text())
        return saved if saved["boot"] == _boot(root) else None
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _boot(root: Path) -> str:
    return (root / "kernel/random/boot_id").read_text().strip()
