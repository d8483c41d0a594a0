"""The model server of one release: one process per core, two protocols, one set of rules.

Read it in the order of a request:

server          binds, loads, says what is served, drains on SIGTERM
listener        all connections: how many, how long, and letting them go
http            one connection: bytes to requests, answers to bytes, and the limits of both
app             takes the request: its route, the type of its body, and the wall that no fault passes
content         what the headers say of a body
single_row      one row in the usual form: decoded and validated in C, by types compiled from the signature
reading         everything else, from bytes to a typed message; broken JSON and doubled keys end here
open_inference  the Open Inference Protocol V2 (/v2/...), with v2_messages and binary_tensors
seldon          Seldon's v1 protocol (/api/v1.0/predictions, /send-feedback, /health/...), with seldon_messages
scoring         valid rows to scores and decisions, by the release
grpc            the same over gRPC, imported only when it is asked for
identity        the request's id, the caller's or a new one

and beside it:

metrics         every figure that Prometheus reads; figures is the same as a value, which workers add up
watch           what is done ten times a second: time limits, queue time, many refusals
workers         several processes behind one port; worker is one of them
logs            what is said on standard error
deployment      what Seldon Core says in the environment
openapi         the OpenAPI 3.1 document of all of it, derived from the release's signature

Handlers are plain functions from a Request to a Reply, so that they can be tested and timed without a socket. What
does not change while the server runs is encoded once, at the start. docs/explanations/serving-profile.md says where the
time of a request goes.
"""
