"""The parts that an OpenAPI document is put together from."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

STRING = {"type": "string"}
REFUSALS = {
    "400": "The body is not what the schema says; details name field, rule and row.",
    "408": "The body did not arrive in time.",
    "413": "The body is too long.",
    "415": "The body is not declared to be UTF-8 JSON.",
    "500": "An internal fault, with the id under which the operator's log explains it.",
}


def get(operation: str, schema: Schema, *, kind: str = "application/json", not_ready: bool = False) -> Schema:
    answer = {"content": {kind: {"schema": schema}}}
    responses = {"200": {"description": "The answer.", **answer}}
    if not_ready:
        responses["503"] = {"description": "The server is starting or draining.", **answer}
    return {"get": {"operationId": operation, "responses": responses}}


def post(operation: str, request: str, response: str, error: str) -> Schema:
    refusals = {status: answer(about, error) for status, about in REFUSALS.items()}
    body = {"required": True, "content": {"application/json": {"schema": ref(request)}}}
    responses = {"200": answer("One score and one decision per row.", response), **refusals}
    return {"post": {"operationId": operation, "requestBody": body, "responses": responses}}


def answer(about: str, name: str) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": ref(name)}}}


def exact(properties: Schema, **more: Any) -> Schema:
    exact = {"required": list(properties), "properties": properties, "additionalProperties": False}
    return {"type": "object", **exact, **more}


def array(items: Schema, shortest: int, longest: int | None = None, **more: Any) -> Schema:
    bounds = {"minItems": shortest} | ({} if longest is None else {"maxItems": longest})
    return {"type": "array", **bounds, "items": items, **more}


def either(key: str, schema: Schema, other: str, **more: Schema) -> Schema:
    return {"type": "object", "required": [key], "properties": {key: schema, **more}, "not": {"required": [other]}}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
