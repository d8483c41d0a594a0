"""The generated gRPC code is that of its .proto."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SOURCES = ROOT / "platform-lib" / "src"
PROTO = "slipway/serving/grpc/open_inference.proto"


def test_generated_code_is_up_to_date(tmp_path: Path) -> None:
    """To make it anew, run the same command with ``platform-lib/src`` in place of the temporary folder."""
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCES}", *outputs, PROTO], check=True)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    committed = (SOURCES / PROTO).parent.glob("*_pb2*.py*")
    assert {path.relative_to(SOURCES): path.read_text() for path in committed} == made
    assert len(made) == 3
