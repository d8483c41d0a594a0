"""Small OCI layouts, as an engine leaves them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def write(layout: Path, *layers: bytes) -> str:
    """Write a layout of one image with these layers; returns the digest of its manifest."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"digest": f"sha256:{name}", "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(b"{}" + b" " * len(layers)),
        "layers": [blob(layer) for layer in layers],
    }
    written = blob(json.dumps(manifest).encode())
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [written]}))
    return str(written["digest"])
