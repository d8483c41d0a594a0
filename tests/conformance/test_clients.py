"""Real clients of the stock servers, each in its own environment, against our server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving.servers import ENVIRONMENTS
from slipway.release import load
from tests.conftest import MODEL
from tests.live_server import LiveServer, frame, tensors
from tests.stock_servers import run_client

Rows = list[dict[str, Any]]


def offline(server: LiveServer, rows: Rows) -> list[float]:
    return load(server.release).score_table(frame(server.fields, rows)).tolist()


def taken(server: LiveServer) -> float:
    """How many messages of feedback the server has taken."""
    text = server.send("GET", "/metrics")[2].decode()
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith("slipway_feedback_total")))


def test_seldon_core_client(server: LiveServer, sample: Rows) -> None:
    rows = sample[:20]
    endpoint = f"127.0.0.1:{server.port}"
    before = taken(server)
    found = run_client("seldon", "seldon_core_client.py", {"endpoint": endpoint, "rows": rows})
    assert found["feedback"] == found["form feedback"] == [True, ""]
    assert taken(server) == before + 2
    # The client calls a lone microservice by a form, as only Seldon's own parts do.
    success, answer = found["form"]
    assert success
    assert answer["data"]["ndarray"][0][0] == offline(server, rows)[0]
    for kind in ("ndarray", "jsonData"):
        success, answer = found[kind]
        assert success
        assert answer["meta"]["tags"]["release"] == server.release.name
        assert [score for score, _ in answer["data"]["ndarray"]] == offline(server, rows)
    success, message, answer = found["refused"]
    assert not success
    assert message.startswith("400")
    assert answer["status"]["reason"] == "MICROSERVICE_BAD_DATA"


def test_types_and_codecs_of_mlserver(server: LiveServer, whole: Rows) -> None:
    told = {"url": server.url, "model": MODEL, "rows": whole, "inputs": tensors(server.fields, whole)}
    found = run_client("mlserver", "mlserver_types.py", told)
    scores = offline(server, whole)
    threshold = load(server.release).threshold
    assert found["scores"] == scores
    assert found["decisions"] == [score >= threshold for score in scores]
    assert list(found["by_pandas"].values()) == [scores, found["decisions"]]
    assert (found["id"], found["version"], found["kinds"]) == ("an-id", server.release.name, ["f", "b"])
    assert [tensor["name"] for tensor in found["model"]["inputs"]] == [field.name for field in server.fields]
    assert found["server"]["name"] == "slipway"
    assert found["ready"] == {"ready": True}


def test_mlserver_infer(server: LiveServer, whole: Rows, tmp_path: Path) -> None:
    """The batch client of MLServer's command line, which merges requests and splits the answers."""
    lines = [json.dumps({"id": str(n), "inputs": tensors(server.fields, [row])}) for n, row in enumerate(whole)]
    (tmp_path / "in").write_text("\n".join(lines) + "\n")
    command = [
        ENVIRONMENTS / "mlserver/.venv/bin/mlserver", "infer", "--url", f"127.0.0.1:{server.port}",
        "--model-name", MODEL, "--input-data-path", tmp_path / "in", "--output-data-path", tmp_path / "out",
        "--batch-size", "4", "--workers", "2",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    scores = {int(answer["id"]): answer["outputs"][0]["data"] for answer in answers}
    assert [score for number in sorted(scores) for score in scores[number]] == offline(server, whole)


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_triton_client(server: LiveServer, whole: Rows, binary: bool) -> None:
    """As JSON, and by the extension for binary tensor data, in which answers come back binary too."""
    found = _by_triton(server, whole, binary)
    assert found["answer"]["sizes"] == [binary, binary]
    assert "binary_tensor_data" in found["server"]["extensions"]
    assert (found["live"], found["ready"], found["model_ready"]) == (True, True, True)
    assert found["metadata"]["versions"] == [server.release.name]
    assert found["server"]["name"] == "slipway"
    assert found["answer"]["id"] == "an-id"
    assert found["answer"]["late_probability"] == offline(server, whole)
    threshold = load(server.release).threshold
    assert found["answer"]["late"] == [score >= threshold for score in offline(server, whole)]


def _by_triton(server: LiveServer, rows: Rows, binary: bool) -> Any:
    told = {
        "endpoint": f"127.0.0.1:{server.port}",
        "model": MODEL,
        "inputs": tensors(server.fields, rows),
        "outputs": ["late_probability", "late"],
        "binary": binary,
    }
    return run_client("mlserver", "triton_client.py", told)
