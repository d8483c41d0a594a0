from __future__ import annotations

import pytest

from slipway import release
from tests.live_server import LiveServer, frame, rows, tensors

MODEL = "/v2/models/flight_delay"
OUTPUTS = ["late_probability", "late"]


@pytest.mark.parametrize("count", [1, 2, 300])
def test_answers_equal_the_release_bit_by_bit(server: LiveServer, count: int) -> None:
    values = rows(server.fields, count, seed=count)
    status, answer = server.post(f"{MODEL}/infer", {"id": "a-1", "inputs": tensors(server.fields, values)})
    assert status == 200
    served = release.load(server.release)
    scores = served.score_table(frame(server.fields, values)).tolist()
    assert answer == {
        "model_name": "flight_delay",
        "model_version": served.digest,
        "id": "a-1",
        "outputs": [
            {"name": "late_probability", "shape": [count], "datatype": "FP64", "data": scores},
            {
                "name": "late",
                "shape": [count],
                "datatype": "BOOL",
                "data": [score >= served.threshold for score in scores],
            },
        ],
    }


def test_tensors_in_any_order_and_of_any_allowed_shape_give_the_same_answer(server: LiveServer) -> None:
    values = rows(server.fields, 3, seed=5)
    plain = tensors(server.fields, values)
    flat = [tensor | {"shape": [3, 1]} for tensor in plain]
    nested = [tensor | {"data": [[value] for value in tensor["data"]]} for tensor in flat]
    small = [{**tensor, "datatype": tensor["datatype"].replace("64", "32")} for tensor in plain]
    answers = [
        server.post(f"{MODEL}/infer", {"id": "x", "inputs": inputs})
        for inputs in (plain, plain[::-1], flat, nested, small)
    ]
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("wanted", [["late"], ["late", "late_probability"], []])
def test_only_the_outputs_asked_for_are_answered_in_their_order(server: LiveServer, wanted: list[str]) -> None:
    message = {"inputs": tensors(server.fields, rows(server.fields, 2)), "outputs": [{"name": name} for name in wanted]}
    status, answer = server.post(f"{MODEL}/infer", message)
    assert status == 200
    assert [output["name"] for output in answer["outputs"]] == (wanted or OUTPUTS)


@pytest.mark.parametrize("wanted", [["lateness"], ["late", "late"]])
def test_an_unknown_or_doubled_output_is_refused(server: LiveServer, wanted: list[str]) -> None:
    message = {"inputs": tensors(server.fields, rows(server.fields, 1)), "outputs": [{"name": name} for name in wanted]}
    status, answer = server.post(f"{MODEL}/infer", message)
    assert status == 400
    assert "output" in answer["error"]


def test_a_request_without_an_id_gets_a_new_one_each_time(server: LiveServer) -> None:
    message = {"inputs": tensors(server.fields, rows(server.fields, 1))}
    first, second = (server.post(f"{MODEL}/infer", message)[1]["id"] for _ in range(2))
    assert first
    assert first != second


def test_keys_beyond_the_protocol_and_colons_in_text_do_no_harm(server: LiveServer) -> None:
    inputs = [tensor | {"parameters": {"a:b": 1}} for tensor in tensors(server.fields, rows(server.fields, 1))]
    message = {"id": "12:00:00", "inputs": inputs, "parameters": {"binary_data_output": False}}
    status, answer = server.post(f"{MODEL}/infer", message)
    assert (status, answer["id"]) == (200, "12:00:00")


def test_metadata_tells_datatype_shape_and_rules_of_each_input(server: LiveServer) -> None:
    status, metadata = server.get(MODEL)
    assert status == 200
    assert metadata["versions"] == [server.release.name]
    assert [entry["name"] for entry in metadata["inputs"]] == [field.name for field in server.fields]
    by_name = {entry["name"]: entry for entry in metadata["inputs"]}
    carrier = by_name["carrier"]
    assert (carrier["datatype"], carrier["shape"]) == ("BYTES", [-1])
    assert "UA" in carrier["parameters"]["allowed"]
    assert by_name["month"]["parameters"] | {"minimum": 1, "maximum": 12} == by_name["month"]["parameters"]
    assert [(entry["name"], entry["datatype"]) for entry in metadata["outputs"]] == list(
        zip(OUTPUTS, ("FP64", "BOOL"), strict=True)
    )


def test_the_version_is_the_digest_or_at_least_eight_digits_of_it(server: LiveServer) -> None:
    digest = server.release.name
    message = {"id": "v", "inputs": tensors(server.fields, rows(server.fields, 1))}
    expected = server.post(f"{MODEL}/infer", message)
    for version in (digest, digest[:8], digest[:20]):
        base = f"{MODEL}/versions/{version}"
        assert server.get(base) == server.get(MODEL)
        assert server.get(f"{base}/ready") == (200, {"name": "flight_delay", "ready": True})
        assert server.post(f"{base}/infer", message) == expected
    for version in (digest[:7], digest + "0", "f" * 8 if digest[0] != "f" else "0" * 8, digest[:8].upper() + "X", ""):
        status, answer = server.get(f"{MODEL}/versions/{version}")
        assert status == 404
        assert digest in answer["error"]


def test_server_paths(server: LiveServer) -> None:
    assert server.get("/v2")[1]["name"] == "slipway"
    assert server.get("/v2/health/live") == (200, {"live": True})
    assert server.get("/v2/health/ready") == (200, {"ready": True})


def test_an_unknown_model_is_a_404_that_names_the_one_served(server: LiveServer) -> None:
    for method, path in (
        ("GET", "/v2/models/other"),
        ("POST", "/v2/models/other/infer"),
        ("GET", "/v2/models/other/ready"),
    ):
        status, _, body = server.send(method, path, b"{}")
        assert status == 404
        assert b"'flight_delay'" in body
