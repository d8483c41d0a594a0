"""Servers that are broken on purpose: the platform's server image and one layer that Python runs before the server."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from slipway.adapters.registry import OCI_MANIFEST, Registry, digest_of
from slipway.promotion.image import CONFIG, LAYER, find_base

FAULTS = Path(__file__).with_name("faulty_servers")
SERVER = "slipway-server"
# Python imports a module of this name by itself: https://docs.python.org/3/library/site.html
_HOOK, _FOLDER = "sitecustomize.py", "faults"


def push(registry: Registry, fault: str) -> str:
    """Push the server image with a fault, named as a module of faulty_servers/; its name, for `slipway publish`."""
    base = find_base(registry, SERVER, "latest")
    layer = _layer((FAULTS / f"{fault}.py").read_bytes())
    config = json.loads(json.dumps(base.config))
    config["config"]["Env"] = [*config["config"]["Env"], f"PYTHONPATH=/{_FOLDER}"]
    config["rootfs"]["diff_ids"] = [*config["rootfs"]["diff_ids"], digest_of(layer)]
    config["history"] = [*config.get("history", []), {"created_by": f"fault {fault}"}]
    content = _bytes(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(content), "size": len(content)},
        "layers": [*base.layers, {"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
    }
    for blob in (layer, content):
        registry.upload(SERVER, digest_of(blob), io.BytesIO(blob), len(blob))
    return f"{SERVER}@{registry.tag(SERVER, f'fault-{fault}', OCI_MANIFEST, _bytes(manifest))}"


def _layer(module: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        folder, file = tarfile.TarInfo(_FOLDER), tarfile.TarInfo(f"{_FOLDER}/{_HOOK}")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        file.size, file.mode = len(module), 0o644
        tar.addfile(folder)
        tar.addfile(file, io.BytesIO(module))
    return target.getvalue()


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
