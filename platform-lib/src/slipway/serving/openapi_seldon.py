"""What the OpenAPI document says of Seldon's v1 protocol."""

from __future__ import annotations

from slipway.serving.identity import LONGEST_ID
from slipway.serving.openapi_parts import STRING, Schema, array, either, exact, get, post, ref
from slipway.serving.scoring import Scorer


def schemas(scorer: Scorer) -> Schema:
    """The messages."""
    return {**_messages(scorer), **_feedback(scorer)}


def paths() -> Schema:
    """The paths."""
    predict = ("SeldonRequest", "SeldonResponse", "SeldonError")
    feedback = ("SeldonFeedback", "SeldonTaken", "SeldonError")
    metadata = get("metadata", {"type": "object", "required": ["name", "versions", "platform", "inputs", "outputs"]})
    status = get("status", ref("SeldonStatus"), not_ready=True)
    versions = ("v1.0", "v0.1")
    return {
        **{f"/api/{version}/predictions": _form(post(f"predictions {version}", *predict)) for version in versions},
        **{f"/api/{version}/feedback": _form(post(f"feedback {version}", *feedback)) for version in versions},
        "/predict": _form(post("predict", *predict)) | _query(post("predict by query", *predict)),
        "/send-feedback": _form(post("sendFeedback", *feedback)) | _query(post("feedback by query", *feedback)),
        "/health/ping": get("ping", {"const": "pong"}, kind="text/plain"),
        "/health/status": status,
        "/api/v1.0/health/status": _renamed(status),
        "/live": get("live", {"const": "live"}, kind="text/plain"),
        "/ready": get("ready", {"enum": ["ready", "not ready"]}, kind="text/plain", not_ready=True),
        "/metadata": metadata,
        "/api/v1.0/metadata": _renamed(metadata),
    }


def _renamed(item: Schema) -> Schema:
    """The same GET under a second path, for operation ids are unique."""
    return {"get": item["get"] | {"operationId": f"{item['get']['operationId']} v1.0"}}


def _form(item: Schema) -> Schema:
    """A POST that takes its message as ``json=`` in a form too."""
    content = item["post"]["requestBody"]["content"]
    form = {"type": "object", "required": ["json"], "properties": {"json": STRING}}
    content["application/x-www-form-urlencoded"] = {"schema": form}
    return item


def _query(item: Schema) -> Schema:
    """The same as a GET that takes its message as ``json=`` in the query."""
    operation = item["post"]
    content = {"application/json": operation.pop("requestBody")["content"]["application/json"]}
    parameter = {"name": "json", "in": "query", "required": True, "content": content}
    for status in ("408", "413", "415"):
        del operation["responses"][status]
    return {"get": operation | {"parameters": [parameter]}}


def _messages(scorer: Scorer) -> Schema:
    release = scorer.release
    tags = exact({"release": {"const": release.digest}, "model": {"const": release.model}})
    pair = array({"type": ["number", "boolean"]}, 2, 2, description="the score and the decision")
    width = len(scorer.fields)
    table = array(array({"type": ["number", "string", "null"]}, width, width), 1)
    names = {"type": ["array", "null"], "uniqueItems": True, "items": {"enum": list(scorer.rules.names)}}
    numbers = {
        "type": "object",
        "required": ["shape", "values"],
        "properties": {"shape": array({"type": "integer"}, 2, 2), "values": array({"type": "number"}, 1)},
    }
    data = [either("ndarray", table, "tensor", names=names)]
    if all(field.kind != "string" for field in scorer.fields):  # a tensor holds numbers only
        data.append(either("tensor", numbers, "ndarray", names=names))
    meta = {"type": "object", "properties": {"puid": {"type": "string", "maxLength": LONGEST_ID}}}
    rows = {"anyOf": [ref("Row"), array(ref("Row"), 1)]}
    status = exact({"code": {"type": "integer"}, "info": STRING, "reason": STRING, "status": {"const": "FAILURE"}})
    details = exact({"details": {"type": "array", "items": ref("Breach")}})
    return {
        "SeldonRequest": {
            "description": "columns of data stand in the order of Row's fields, or of names where given",
            "oneOf": [
                either("jsonData", rows, "data", meta=meta),
                either("data", {"oneOf": data}, "jsonData", meta=meta),
            ],
            "examples": [{"jsonData": scorer.example}, _ndarray_example(scorer)],
        },
        "SeldonResponse": exact(
            {
                "data": exact(
                    {
                        "names": {"const": [release.score_name, release.decision_name]},
                        "ndarray": array(pair, 1),
                    }
                ),
                "meta": exact({"puid": STRING, "tags": tags}),
            }
        ),
        "SeldonStatus": exact({"strData": {"enum": ["ready", "not ready"]}, "meta": exact({"tags": tags})}),
        "SeldonError": exact({"status": status, "meta": exact({"tags": details})}),
    }


def _feedback(scorer: Scorer) -> Schema:
    puid = {"type": "string", "maxLength": LONGEST_ID}
    said = {
        "type": ["object", "null"],
        "properties": {"meta": {"type": "object", "properties": {"puid": puid}}},
        "description": "only meta.puid is read; that of the response counts before that of the request",
    }
    label: Schema = {"enum": [0, 1, False, True, None]}
    labels = {"type": "array", "items": {"anyOf": [label, array(label, 1, 1)]}}
    numbers = {
        "type": "object",
        "required": ["shape", "values"],
        "properties": {"shape": {"type": "array", "items": {"type": "integer"}}, "values": labels},
    }
    data = {"oneOf": [either("ndarray", labels, "tensor"), either("tensor", numbers, "ndarray")]}
    truth = {
        "oneOf": [either("data", data, "jsonData"), either("jsonData", {"anyOf": [label, labels]}, "data")],
        "not": {"anyOf": [{"required": ["strData"]}, {"required": ["binData"]}]},
    }
    nothing = {
        "type": "object",
        "not": {"anyOf": [{"required": [key]} for key in ("data", "jsonData", "strData", "binData")]},
    }
    tags = exact({"release": {"const": scorer.release.digest}, "model": {"const": scorer.release.model}})
    return {
        "SeldonFeedback": {
            "type": "object",
            "properties": {
                "request": said,
                "response": said,
                "reward": {
                    "type": "number",
                    "description": "without truth, it is for all rows, and 0 where it is left out",
                },
                "truth": {"anyOf": [{"type": "null"}, nothing, truth]},
            },
            "examples": [
                {"response": {"meta": {"puid": "example"}}, "reward": 1.0, "truth": {"data": {"ndarray": [True]}}}
            ],
        },
        "SeldonTaken": exact(
            {"data": exact({"ndarray": array({}, 0, 0)}), "meta": exact({"puid": STRING, "tags": tags})}
        ),
    }


def _ndarray_example(scorer: Scorer) -> Schema:
    names = list(scorer.rules.names)
    return {"data": {"names": names, "ndarray": [[scorer.example[name] for name in names]]}}
