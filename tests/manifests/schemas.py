"""The schemas by which a cluster judges manifests: upstream's own, from the Go modules that the platform is made of."""

from __future__ import annotations

import copy
import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

# Of each pinned component, where its module keeps schemas of custom resources.
CUSTOM = {
    "seldon-core": ("github.com/seldonio/seldon-core/operator", "config/crd/bases/*.yaml"),
    "envoy-gateway": ("github.com/envoyproxy/gateway", "charts/gateway-helm/charts/crds/crds/**/*.yaml"),
}
KUBERNETES = ("k8s.io/kubernetes", "api/openapi-spec/swagger.json")


def module(component: str, name: str) -> Path:
    """The folder of a pinned module in Go's cache; the test is skipped where it was never downloaded."""
    pins = (ROOT / "infra/upstream" / component / "go.mod").read_text()
    version = re.search(rf"^\s*(?:require )?{re.escape(name)} (v\S+)", pins, re.MULTILINE)
    assert version, f"{component} does not pin {name}"
    program = shutil.which("go") or "/usr/local/go/bin/go"
    if not Path(program).exists():
        pytest.skip("Go is not installed, so nothing of upstream is here")
    cache = subprocess.run([program, "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    found = Path(cache) / f"{name}@{version[1]}"
    if not found.is_dir():
        pytest.skip(f"{name} {version[1]} was never downloaded: make platform-build does that")
    return found


@functools.cache
def schemas() -> dict[tuple[str, str], dict[str, Any]]:
    """JSON schemas by (apiVersion, kind), strict: an unknown field is an error, which a cluster would drop silently."""
    return {**dict(_of_kubernetes()), **dict(_of_custom_resources())}


def _of_custom_resources() -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for component, (name, pattern) in CUSTOM.items():
        for file in sorted(module(component, name).glob(pattern)):
            for resource in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader):
                if not resource or resource["kind"] != "CustomResourceDefinition":
                    continue
                group, kind = resource["spec"]["group"], resource["spec"]["names"]["kind"]
                for version in resource["spec"]["versions"]:
                    schema = _strict(version["schema"]["openAPIV3Schema"])
                    schema["properties"]["metadata"] = {"type": "object"}
                    yield (f"{group}/{version['name']}", kind), schema


def _of_kubernetes() -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    name, path = KUBERNETES
    document = json.loads((module("kubernetes", name) / path).read_text())
    definitions = _strict(document["definitions"])
    for key, schema in document["definitions"].items():
        for it in schema.get("x-kubernetes-group-version-kind", []):
            api = f"{it['group']}/{it['version']}" if it["group"] else it["version"]
            yield (api, it["kind"]), {"$ref": f"#/definitions/{key}", "definitions": definitions}


def _strict(schema: Any) -> Any:
    """A copy that allows no property beside those that it lists."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return copy.copy(schema)
    found = {name: _strict(each) for name, each in schema.items()}
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and "type" in schema and not open_ended:
        found["additionalProperties"] = False
    return found
