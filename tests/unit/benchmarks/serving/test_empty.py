from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from benchmarks.serving import servers


def test_the_empty_handler_answers_the_bytes_it_is_told_by_path(tmp_path: Path) -> None:
    told = {"/v2/health/ready": "", "/one": '{"of": 1}', "/two": "[2, 2]"}
    (tmp_path / "answers").write_text(json.dumps(told))
    with servers.running(servers.empty(tmp_path / "answers"), tmp_path / "run") as up:
        for path, answer in told.items():
            for body in (b"{}", b"x" * 100_000):
                with urllib.request.urlopen(up.url + path, body) as found:
                    assert (found.status, found.read().decode()) == (200, answer)
