"""The model server of one release: one process, two protocols, one set of rules.

Read it in the order of a request:

server          starts granian around the app, says what is served, drains on SIGTERM
app             takes the request: route, size and type of the body, and the wall that no fault passes
reading         from bytes to a typed message; broken JSON and doubled keys end here
open_inference  the Open Inference Protocol V2 (/v2/...)
seldon          Seldon's v1 protocol (/api/v1.0/predictions, /predict, /health/..., /metadata)
scoring         valid rows to scores and decisions, by the release
openapi         the OpenAPI 3.1 document of all of it, derived from the release's signature

Handlers are plain functions from (body, headers) to a Reply, so that they can be tested and timed without a
socket. What does not change while the server runs is encoded once, at the start.
"""
