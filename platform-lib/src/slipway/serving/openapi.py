"""The OpenAPI 3.1 document of a server, derived from its release's signature."""

from __future__ import annotations

from importlib.metadata import version

from slipway.contracts.request import INT64
from slipway.contracts.signature import MULTIPLE_TOLERANCE, Field
from slipway.serving import identity, open_inference, openapi_seldon
from slipway.serving.openapi_parts import STRING, Schema, answer, array, exact, get, post, ref
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings


def document(scorer: Scorer, settings: Settings) -> Schema:
    """The document; its component schemas hold the exact rules of each request field."""
    release = scorer.release
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{release.model}: {release.card['title']}",
            "version": version("slipway"),
            "summary": f"Release {release.digest}",
            "description": (
                f"{release.card['purpose']}\n\nA request body holds at most {settings.max_body_bytes} bytes. "
                "A whole number may be written with a fraction of zero. No JSON object may hold a key twice."
            ),
            "license": {"name": str(release.card["licence"])},
        },
        "paths": {
            **_v2_paths(scorer),
            **openapi_seldon.paths(),
            "/openapi.json": get("openApi", {"type": "object"}),
            "/metrics": get("metrics", STRING, kind="text/plain"),
        },
        "components": {
            "schemas": {**_row_schemas(scorer), **_v2_schemas(scorer), **openapi_seldon.schemas(scorer)},
        },
    }


def field_schema(field: Field) -> Schema:
    """JSON Schema of one field's value.

    JSON Schema cannot say ``multiple_of``, which allows a tolerance; it stands in an extension key.
    """
    schema: Schema = {"type": [field.kind, "null"] if field.nullable else field.kind}
    about = ", ".join(part for part in (field.about, field.unit) if part)
    if about:
        schema["description"] = about
    if field.kind == "integer":
        schema |= {"minimum": INT64[0], "maximum": INT64[1]}
    if field.minimum is not None:
        schema["minimum"] = field.minimum
    if field.maximum is not None:
        schema["maximum"] = field.maximum
    if field.allowed is not None:
        schema["enum"] = [*field.allowed, None] if field.nullable else list(field.allowed)
    if field.pattern is not None:
        schema["pattern"] = f"^(?:{field.pattern})$"
    if field.multiple_of is not None:
        schema["x-multiple-of"] = {"quantum": field.multiple_of, "tolerance": MULTIPLE_TOLERANCE}
    return schema


def _row_schemas(scorer: Scorer) -> Schema:
    row = exact({field.name: field_schema(field) for field in scorer.fields})
    breach = exact(
        {"field": STRING, "rule": STRING, "row": {"type": ["integer", "null"]}, "message": STRING},
        description="One broken rule; row is null where a whole column or the request is at fault.",
    )
    return {"Row": {**row, "examples": [scorer.example]}, "Breach": breach}


def _v2_schemas(scorer: Scorer) -> Schema:
    tensors = {f"Tensor_{field.name}": _tensor(field) for field in scorer.fields}
    release = scorer.release
    width = len(tensors)
    about = "one tensor per field, in any order, all of the same number of rows"
    outputs = [
        _output(release.score_name, "FP64", {"type": "number"}),
        _output(release.decision_name, "BOOL", {"type": "boolean"}),
    ]
    return {
        **tensors,
        "InferRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": ["string", "null"], "maxLength": identity.LONGEST_ID},
                "inputs": array({"oneOf": [ref(name) for name in tensors]}, width, width, description=about),
                "outputs": {
                    "type": ["array", "null"],
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"enum": [release.score_name, release.decision_name]}},
                    },
                },
            },
            "examples": [_v2_example(scorer)],
        },
        "InferResponse": exact(
            {
                "model_name": {"const": release.model},
                "model_version": {"const": release.digest},
                "id": STRING,
                "outputs": array({"oneOf": outputs}, 1, 2),
            }
        ),
        "V2Error": exact({"error": STRING, "details": {"type": "array", "items": ref("Breach")}}),
    }


def _tensor(field: Field) -> Schema:
    value = field_schema(field)
    nested = array(value, 1, 1)
    return {
        "type": "object",
        "description": "shape is [rows] or [rows, 1]; data is flat, or nested where shape has two members",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"const": field.name},
            "shape": array({"type": "integer", "minimum": 1}, 1, 2),
            "datatype": {"enum": list(open_inference.DATATYPES[field.kind])},
            "data": array({"anyOf": [value, nested]}, 1),
        },
    }


def _output(name: str, datatype: str, value: Schema) -> Schema:
    shape = array({"type": "integer", "minimum": 1}, 1, 1)
    return exact({"name": {"const": name}, "shape": shape, "datatype": {"const": datatype}, "data": array(value, 1)})


def _v2_example(scorer: Scorer) -> Schema:
    def tensor(field: Field) -> Schema:
        datatype = open_inference.DATATYPES[field.kind][0]
        return {"name": field.name, "shape": [1], "datatype": datatype, "data": [scorer.example[field.name]]}

    return {"id": "example", "inputs": [tensor(field) for field in scorer.fields]}


def _v2_paths(scorer: Scorer) -> Schema:
    model = f"/v2/models/{scorer.release.model}"
    versioned = f"{model}/versions/{{version}}"
    ready = exact({"name": {"const": scorer.release.model}, "ready": {"type": "boolean"}})
    metadata = {"type": "object", "required": ["name", "versions", "platform", "inputs", "outputs"]}
    infer = ("InferRequest", "InferResponse", "V2Error")
    return {
        "/v2": get("serverMetadata", exact({"name": STRING, "version": STRING, "extensions": {"type": "array"}})),
        "/v2/health/live": get("serverLive", exact({"live": {"const": True}})),
        "/v2/health/ready": get("serverReady", exact({"ready": {"type": "boolean"}}), not_ready=True),
        model: get("modelMetadata", metadata),
        f"{model}/ready": get("modelReady", ready, not_ready=True),
        f"{model}/infer": _bytes(post("infer", *infer)),
        versioned: _versioned(get("versionMetadata", metadata)),
        f"{versioned}/ready": _versioned(get("versionReady", ready, not_ready=True)),
        f"{versioned}/infer": _versioned(_bytes(post("inferVersion", *infer))),
    }


def _bytes(item: Schema) -> Schema:
    """A POST that takes and gives V2's binary tensors too."""
    operation = item["post"]
    schema = {"type": "string", "format": "binary"}
    operation["requestBody"]["content"]["application/octet-stream"] = {"schema": schema}
    operation["responses"]["200"]["content"]["application/octet-stream"] = {"schema": schema}
    operation["parameters"] = [
        {
            "name": "Inference-Header-Content-Length", "in": "header", "description": "bytes of JSON in front",
            "schema": {"type": "integer", "minimum": 0},
        }
    ]  # fmt: skip
    return item


def _versioned(item: Schema) -> Schema:
    about = "the release's digest, or its first digits"
    pattern = f"^[0-9a-f]{{{open_inference.SHORTEST_VERSION},64}}$"
    schema = {"type": "string", "pattern": pattern}
    parameter = {"name": "version", "in": "path", "required": True, "description": about, "schema": schema}
    for operation in item.values():
        operation["responses"]["404"] = answer("Another version than the one served.", "V2Error")
    return {"parameters": [parameter], **item}
