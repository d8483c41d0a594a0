"""Kubernetes' own schemas and those of upstream's CRDs, made strict: a key that is in no schema is an error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.manifests.building import Manifest

Key = tuple[str, str]


class Schemas:
    """Schemas by apiVersion and kind."""

    def __init__(self, kubernetes: Path, argo_cd: Path, manifests: Iterable[Manifest]) -> None:
        """From the folders of two modules, and the CRDs that are among the manifests."""
        document = json.loads((kubernetes / "api/openapi-spec/swagger.json").read_text())
        self._definitions = {name: _strict(schema) for name, schema in document["definitions"].items()}
        self._by_kind: dict[Key, dict[str, Any]] = {}
        for name, schema in self._definitions.items():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                version = "/".join(part for part in (kind["group"], kind["version"]) if part)
                self._by_kind[version, kind["kind"]] = {"$ref": f"#/definitions/{name}"}
        crds = [
            yaml.load(file.read_text(), yaml.CSafeLoader) for file in (argo_cd / "manifests/crds").glob("*-crd.yaml")
        ]
        for crd in [*crds, *(m for m in manifests if m["kind"] == "CustomResourceDefinition")]:
            self._add(crd["spec"])

    def _add(self, spec: dict[str, Any]) -> None:
        for version in spec["versions"]:
            schema = _strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            self._by_kind[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema

    def faults(self, manifest: Manifest) -> list[str]:
        """What is wrong with a manifest, in words; KeyError where no schema is known."""
        schema = self._by_kind[manifest["apiVersion"], manifest["kind"]]
        # Upstream's generated manifests say null, which the API server takes for nothing.
        metadata = {key: value for key, value in manifest["metadata"].items() if key != "creationTimestamp" or value}
        manifest = {**manifest, "metadata": metadata}
        validator = jsonschema.Draft7Validator({**schema, "definitions": self._definitions})
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        return [f"{where}: {error.json_path}: {error.message[:300]}" for error in validator.iter_errors(manifest)]


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy that takes no unknown keys, and numbers where Kubernetes takes them for text."""
    made = copy.deepcopy(schema)
    pending: list[Any] = [made]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, dict):
            pending.extend(part.values())
            if part.get("format") == "int-or-string" or part.get("x-kubernetes-int-or-string"):
                part.pop("type", None)
            open_to_all = part.get("x-kubernetes-preserve-unknown-fields")
            if isinstance(part.get("properties"), dict) and "additionalProperties" not in part and not open_to_all:
                part["additionalProperties"] = False
    return made
