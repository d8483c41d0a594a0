"""The key ring as a ConfigMap, so that servers refuse a release that nobody in it signed."""

from __future__ import annotations

import hashlib
from typing import Any

from slipway.files import canonical_json
from slipway.rendering.served import Served

MOUNTED = "/etc/slipway/keys"


def config_map(served: Served) -> dict[str, Any]:
    """The ConfigMap of the key ring, which must hold keys; its name changes with its content, and so pods do."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": served.metadata(config_map_name(served)),
        "immutable": True,
        "data": dict(served.keys),
    }


def config_map_name(served: Served) -> str:
    """What it is called."""
    return f"{served.name}-keys-{hashlib.sha256(canonical_json(dict(served.keys))).hexdigest()[:10]}"
