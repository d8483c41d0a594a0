"""MLServer's own types and codecs against a server; run by the Python of environments/mlserver."""

import json
import sys
import urllib.request

import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
)

told = json.load(sys.stdin)


def get(path: str) -> bytes:
    with urllib.request.urlopen(told["url"] + path) as answer:
        return answer.read()


def infer(request: InferenceRequest) -> InferenceResponse:
    body = request.model_dump_json(exclude_none=True).encode()
    path = f"/v2/models/{told['model']}/infer"
    sent = urllib.request.Request(told["url"] + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent) as answer:
        return InferenceResponse.model_validate_json(answer.read())


frame = pd.DataFrame(told["rows"])
encoded = infer(PandasCodec.encode_request(frame, use_bytes=False))
plain = infer(InferenceRequest(id="an-id", inputs=told["inputs"]))
scores, decisions = (NumpyCodec.decode_output(output) for output in plain.outputs)
decoded = PandasCodec.decode_response(encoded)
found = {
    "id": plain.id,
    "version": plain.model_version,
    "scores": scores.ravel().tolist(),
    "decisions": decisions.ravel().tolist(),
    "kinds": [scores.dtype.kind, decisions.dtype.kind],
    "by_pandas": {name: decoded[name].tolist() for name in decoded},
    "model": MetadataModelResponse.model_validate_json(get(f"/v2/models/{told['model']}")).model_dump(mode="json"),
    "server": MetadataServerResponse.model_validate_json(get("/v2")).model_dump(mode="json"),
    "ready": json.loads(get("/v2/health/ready")),
}
json.dump(found, sys.stdout)
