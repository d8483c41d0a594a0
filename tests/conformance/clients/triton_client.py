"""NVIDIA's V2 client against a server; run by the Python of environments/mlserver, which brings it."""

import json
import sys

import numpy as np
import tritonclient.http as triton

told = json.load(sys.stdin)
DTYPES = {"INT64": np.int64, "FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}
client = triton.InferenceServerClient(told["endpoint"])


def infer(binary: bool) -> dict[str, object]:
    inputs = []
    for told_input in told["inputs"]:
        tensor = triton.InferInput(told_input["name"], told_input["shape"], told_input["datatype"])
        values = np.array(told_input["data"], dtype=DTYPES[told_input["datatype"]])
        inputs.append(tensor.set_data_from_numpy(values, binary_data=binary))
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in told["outputs"]]
    answer = client.infer(told["model"], inputs, request_id="an-id", outputs=outputs)
    return {
        "id": answer.get_response()["id"],
        "sizes": ["binary_data_size" in output.get("parameters", {}) for output in answer.get_response()["outputs"]],
        **{name: answer.as_numpy(name).tolist() for name in told["outputs"]},
    }


found = {
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model_ready": client.is_model_ready(told["model"]),
    "metadata": client.get_model_metadata(told["model"]),
    "server": client.get_server_metadata(),
    "answer": infer(told["binary"]),
}
json.dump(found, sys.stdout)
