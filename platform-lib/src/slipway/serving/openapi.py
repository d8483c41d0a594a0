"""The OpenAPI 3.1 document of a server, derived from its release's signature."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from slipway.contracts.request import INT64
from slipway.contracts.signature import MULTIPLE_TOLERANCE, Field
from slipway.serving import identity, open_inference
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings

Schema = dict[str, Any]

_STRING = {"type": "string"}
_REFUSALS = {
    "400": "The body is not what the schema says; details name field, rule and row.",
    "408": "The body did not arrive in time.",
    "413": "The body is too long.",
    "415": "The body is not declared to be UTF-8 JSON.",
    "500": "An internal fault, with the id under which the operator's log explains it.",
}


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
        "paths": {**_v2_paths(scorer), **_seldon_paths(scorer), "/openapi.json": _get("openApi", {"type": "object"})},
        "components": {"schemas": {**_row_schemas(scorer), **_v2_schemas(scorer), **_seldon_schemas(scorer)}},
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
    row = _object({field.name: field_schema(field) for field in scorer.fields})
    breach = _object(
        {"field": _STRING, "rule": _STRING, "row": {"type": ["integer", "null"]}, "message": _STRING},
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
                "inputs": _list({"oneOf": [_ref(name) for name in tensors]}, width, width, description=about),
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
        "InferResponse": _object(
            {
                "model_name": {"const": release.model},
                "model_version": {"const": release.digest},
                "id": _STRING,
                "outputs": _list({"oneOf": outputs}, 1, 2),
            }
        ),
        "V2Error": _object({"error": _STRING, "details": {"type": "array", "items": _ref("Breach")}}),
    }


def _tensor(field: Field) -> Schema:
    value = field_schema(field)
    nested = _list(value, 1, 1)
    return {
        "type": "object",
        "description": "shape is [rows] or [rows, 1]; data is flat, or nested where shape has two members",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"const": field.name},
            "shape": _list({"type": "integer", "minimum": 1}, 1, 2),
            "datatype": {"enum": list(open_inference.DATATYPES[field.kind])},
            "data": _list({"anyOf": [value, nested]}, 1),
        },
    }


def _output(name: str, datatype: str, value: Schema) -> Schema:
    shape = _list({"type": "integer", "minimum": 1}, 1, 1)
    return _object({"name": {"const": name}, "shape": shape, "datatype": {"const": datatype}, "data": _list(value, 1)})


def _v2_example(scorer: Scorer) -> Schema:
    def tensor(field: Field) -> Schema:
        datatype = open_inference.DATATYPES[field.kind][0]
        return {"name": field.name, "shape": [1], "datatype": datatype, "data": [scorer.example[field.name]]}

    return {"id": "example", "inputs": [tensor(field) for field in scorer.fields]}


def _seldon_schemas(scorer: Scorer) -> Schema:
    release = scorer.release
    tags = _object({"release": {"const": release.digest}, "model": {"const": release.model}})
    pair = _list({"type": ["number", "boolean"]}, 2, 2, description="the score and the decision")
    width = len(scorer.fields)
    table = _list(_list({"type": ["number", "string", "null"]}, width, width), 1)
    names = {"type": ["array", "null"], "uniqueItems": True, "items": {"enum": list(scorer.rules.names)}}
    numbers = {
        "type": "object",
        "required": ["shape", "values"],
        "properties": {"shape": _list({"type": "integer"}, 2, 2), "values": _list({"type": "number"}, 1)},
    }
    data = [_either("ndarray", table, "tensor", names=names)]
    if all(field.kind != "string" for field in scorer.fields):  # a tensor holds numbers only
        data.append(_either("tensor", numbers, "ndarray", names=names))
    meta = {"type": "object", "properties": {"puid": {"type": "string", "maxLength": identity.LONGEST_ID}}}
    rows = {"anyOf": [_ref("Row"), _list(_ref("Row"), 1)]}
    status = _object({"code": {"type": "integer"}, "info": _STRING, "reason": _STRING, "status": {"const": "FAILURE"}})
    details = _object({"details": {"type": "array", "items": _ref("Breach")}})
    return {
        "SeldonRequest": {
            "description": "columns of data stand in the order of Row's fields, or of names where given",
            "oneOf": [
                _either("jsonData", rows, "data", meta=meta),
                _either("data", {"oneOf": data}, "jsonData", meta=meta),
            ],
            "examples": [{"jsonData": scorer.example}, _ndarray_example(scorer)],
        },
        "SeldonResponse": _object(
            {
                "data": _object(
                    {
                        "names": {"const": [release.score_name, release.decision_name]},
                        "ndarray": _list(pair, 1),
                    }
                ),
                "meta": _object({"puid": _STRING, "tags": tags}),
            }
        ),
        "SeldonStatus": _object({"strData": {"enum": ["ready", "not ready"]}, "meta": _object({"tags": tags})}),
        "SeldonError": _object({"status": status, "meta": _object({"tags": details})}),
    }


def _ndarray_example(scorer: Scorer) -> Schema:
    names = list(scorer.rules.names)
    return {"data": {"names": names, "ndarray": [[scorer.example[name] for name in names]]}}


def _v2_paths(scorer: Scorer) -> Schema:
    model = f"/v2/models/{scorer.release.model}"
    versioned = f"{model}/versions/{{version}}"
    ready = _object({"name": {"const": scorer.release.model}, "ready": {"type": "boolean"}})
    metadata = {"type": "object", "required": ["name", "versions", "platform", "inputs", "outputs"]}
    infer = ("InferRequest", "InferResponse", "V2Error")
    return {
        "/v2": _get("serverMetadata", _object({"name": _STRING, "version": _STRING, "extensions": {"type": "array"}})),
        "/v2/health/live": _get("serverLive", _object({"live": {"const": True}})),
        "/v2/health/ready": _get("serverReady", _object({"ready": {"type": "boolean"}}), not_ready=True),
        model: _get("modelMetadata", metadata),
        f"{model}/ready": _get("modelReady", ready, not_ready=True),
        f"{model}/infer": _post("infer", *infer),
        versioned: _versioned(_get("versionMetadata", metadata)),
        f"{versioned}/ready": _versioned(_get("versionReady", ready, not_ready=True)),
        f"{versioned}/infer": _versioned(_post("inferVersion", *infer)),
    }


def _seldon_paths(scorer: Scorer) -> Schema:
    predict = ("SeldonRequest", "SeldonResponse", "SeldonError")
    metadata = {"type": "object", "required": ["name", "versions", "platform", "inputs", "outputs"]}
    return {
        "/api/v1.0/predictions": _post("predictions", *predict),
        "/predict": _post("predict", *predict),
        "/health/ping": _get("ping", {"const": "pong"}, kind="text/plain"),
        "/health/status": _get("status", _ref("SeldonStatus"), not_ready=True),
        "/live": _get("live", {"const": "live"}, kind="text/plain"),
        "/ready": _get("ready", {"enum": ["ready", "not ready"]}, kind="text/plain", not_ready=True),
        "/metadata": _get("metadata", metadata),
    }


def _get(operation: str, schema: Schema, *, kind: str = "application/json", not_ready: bool = False) -> Schema:
    answer = {"content": {kind: {"schema": schema}}}
    responses = {"200": {"description": "The answer.", **answer}}
    if not_ready:
        responses["503"] = {"description": "The server is starting or draining.", **answer}
    return {"get": {"operationId": operation, "responses": responses}}


def _post(operation: str, request: str, response: str, error: str) -> Schema:
    refusals = {status: _answer(about, error) for status, about in _REFUSALS.items()}
    body = {"required": True, "content": {"application/json": {"schema": _ref(request)}}}
    responses = {"200": _answer("One score and one decision per row.", response), **refusals}
    return {"post": {"operationId": operation, "requestBody": body, "responses": responses}}


def _versioned(item: Schema) -> Schema:
    about = "the release's digest, or its first digits"
    pattern = f"^[0-9a-f]{{{open_inference.SHORTEST_VERSION},64}}$"
    schema = {"type": "string", "pattern": pattern}
    parameter = {"name": "version", "in": "path", "required": True, "description": about, "schema": schema}
    for operation in item.values():
        operation["responses"]["404"] = _answer("Another version than the one served.", "V2Error")
    return {"parameters": [parameter], **item}


def _answer(about: str, name: str) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": _ref(name)}}}


def _object(properties: Schema, **more: Any) -> Schema:
    exact = {"required": list(properties), "properties": properties, "additionalProperties": False}
    return {"type": "object", **exact, **more}


def _list(items: Schema, shortest: int, longest: int | None = None, **more: Any) -> Schema:
    bounds = {"minItems": shortest} | ({} if longest is None else {"maxItems": longest})
    return {"type": "array", **bounds, "items": items, **more}


def _either(key: str, schema: Schema, other: str, **more: Schema) -> Schema:
    return {"type": "object", "required": [key], "properties": {key: schema, **more}, "not": {"required": [other]}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
