from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.serving import servers
from benchmarks.serving.servers import Launch
from slipway.errors import EnvironmentFault

CHILD_HOLDS_64_MIB = "import time; held = bytearray(64 << 20); print('up', flush=True); time.sleep(600)"
SERVES = (
    "import subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {CHILD_HOLDS_64_MIB!r}], stdout=subprocess.PIPE); "
    "child.stdout.readline(); from http.server import HTTPServer, SimpleHTTPRequestHandler; "
    "HTTPServer(('127.0.0.1', int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()"
)


def test_a_server_is_up_inside_the_block_and_gone_with_its_children_after_it(tmp_path: Path) -> None:
    port = servers.free_port()
    launch = Launch("a server", (sys.executable, "-c", SERVES, str(port)), port, "/")
    with servers.running(launch, tmp_path) as up:
        assert servers.answers(port, "/")
        assert up.ready_seconds > 0
        assert up.largest_mib() >= 64
        used = up.processor_seconds()
        assert used > 0
        assert sum(servers.answers(port, "/") for _ in range(100)) == 100
        assert up.processor_seconds() > used
        tree = [psutil.Process(up.process.pid), *psutil.Process(up.process.pid).children()]
        assert len(tree) == 2
    psutil.wait_procs(tree, timeout=10)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in tree)
    assert not servers.answers(port, "/")


def test_one_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    launch = Launch("a broken server", (sys.executable, "-c", "raise SystemExit('no model')"), servers.free_port())
    with pytest.raises(EnvironmentFault, match=r"a broken server did not become ready:\nno model"):
        servers.running(launch, tmp_path).__enter__()
