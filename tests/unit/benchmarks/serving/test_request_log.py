from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.serving import request_log


def test_the_options_name_a_nats_server_that_has_jetstream(tmp_path: Path) -> None:
    with request_log.options(tmp_path) as options:
        told = dict(zip(options[::2], options[1::2], strict=True))
        assert told.keys() == {"--request-log", "--spool"}
        url = urlsplit(told["--request-log"])
        with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
            hello = connection.recv(4096)
    assert hello.startswith(b"INFO ")
    assert b'"jetstream":true' in hello
