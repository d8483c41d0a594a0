from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slipway.serving.openapi import field_schema
from tests.live_server import LiveServer

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection"
)


def test_the_document_holds_the_rules_of_each_field(server: LiveServer) -> None:
    status, document = server.get("/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == [field.name for field in server.fields]
    assert row["additionalProperties"] is False
    assert row["properties"] == {field.name: field_schema(field) for field in server.fields}
    month, carrier, gust = (row["properties"][name] for name in ("month", "carrier", "wind_gust"))
    assert (month["type"], month["minimum"], month["maximum"]) == ("integer", 1, 12)
    assert "UA" in carrier["enum"]
    assert gust["type"] == ["number", "null"]
    assert server.rules.row(row["examples"][0])


def test_the_live_server_keeps_its_document(server: LiveServer, tmp_path: Path) -> None:
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json",
            "--checks", CHECKS, "--max-examples", "10", "--seed", "1", "--phases", "examples,coverage,fuzzing",
            "--no-color", "--max-failures", "5",
        ],
        check=False, capture_output=True, text=True, cwd=tmp_path, timeout=600,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-9000:] + run.stderr
    assert "Selected: 25/25" in run.stdout
    assert "Tested: 25" in run.stdout
    assert "errored" not in run.stdout
