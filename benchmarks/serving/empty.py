"""A granian handler that reads the body and answers fixed bytes: what the HTTP server alone can do.

``python empty.py PORT ANSWERS``, with the serving environment's Python; ANSWERS is a JSON file of path to answer.
Of granian in its own settings, with one process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

_HEADERS = [("content-type", "application/json")]


class App:
    """Answers ``answers[path]`` to a request of any method."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        await protocol()
        protocol.response_bytes(200, _HEADERS, self._answers[scope.path])


def main(port: int, answers: Path) -> None:
    """Serve until the process is ended."""
    texts = json.loads(answers.read_text())
    app = App({path: text.encode() for path, text in texts.items()})
    server = Server(
        app, "127.0.0.1", port,
        interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False, log_level=LogLevels.error,
    )  # fmt: skip
    uvloop.run(server.serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
