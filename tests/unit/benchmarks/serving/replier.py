"""A small HTTP server whose answers a test decides."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[bytes], tuple[int, bytes]]


class Replier(ThreadingHTTPServer):
    """Answers each POST by ``answer`` and keeps the bodies that it got; with HTTP/1.0 it closes every connection."""

    daemon_threads = True

    def __init__(self, answer: Answer, protocol: str) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = protocol

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append(body)
                status, reply = answer(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                if protocol == "HTTP/1.0":
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up as they please."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@contextlib.contextmanager
def replying(answer: Answer = lambda body: (200, b"{}"), protocol: str = "HTTP/1.1") -> Iterator[Replier]:
    """A replier on a free loopback port, in a thread."""
    with Replier(answer, protocol) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
