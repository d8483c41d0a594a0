"""One of several workers: ``python -m slipway.serving.worker``, as :mod:`slipway.serving.workers` starts it."""

from __future__ import annotations

import json
import pickle
import socket
import sys
from typing import Any

from slipway import release
from slipway.errors import SlipwayError
from slipway.serving import logs
from slipway.serving.server import run


def main() -> None:
    """Read from standard input what to serve and in which place; tell on standard output, in a line, when it is."""
    folder, settings, place = pickle.load(sys.stdin.buffer)
    logs.configure(settings.log_format, folder.resolve().name)
    try:
        with socket.socket(fileno=place.descriptor) as bound:
            run(release.load(folder), settings, bound, _tell, place)
    except SlipwayError as error:
        logs.refusal(error, folder.resolve().name)
        sys.exit(error.exit_code)


def _tell(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
