"""The real seldon-core client against a server; run by the Python of environments/seldon."""

import json
import sys

import numpy as np
from google.protobuf import json_format
from seldon_core.proto import prediction_pb2
from seldon_core.seldon_client import SeldonClient
from seldon_core.utils import array_to_grpc_datadef

told = json.load(sys.stdin)
names = list(told["rows"][0])
table = np.array([[row[name] for name in names] for row in told["rows"]], dtype=object)
client = SeldonClient(gateway="seldon", transport="rest", gateway_endpoint=told["endpoint"])
# As messages of protobuf: the client refuses any key that Seldon's message does not define.
first = client.predict(data=table, names=names, payload_type="ndarray", client_return_type="proto")
second = client.predict(json_data=told["rows"], client_return_type="proto")
bad = client.predict(json_data={**told["rows"][0], "month": 13}, client_return_type="proto")
truth = prediction_pb2.SeldonMessage(data=array_to_grpc_datadef("ndarray", np.array([[1]] * len(told["rows"]))))
feedback = client.feedback(first.request, first.response, truth, reward=1)
form = client.microservice(method="predict", json_data=told["rows"][0], microservice_endpoint=told["endpoint"])
form_feedback = client.microservice_feedback(
    form.request, form.response, reward=1, microservice_endpoint=told["endpoint"]
)
found = {
    "feedback": [feedback.success, feedback.msg],
    "form": [form.success, json_format.MessageToDict(form.response)],
    "form feedback": [form_feedback.success, form_feedback.msg],
    "ndarray": [first.success, json_format.MessageToDict(first.response)],
    "jsonData": [second.success, json_format.MessageToDict(second.response)],
    "refused": [bad.success, bad.msg, json_format.MessageToDict(bad.response)],
}
json.dump(found, sys.stdout)
