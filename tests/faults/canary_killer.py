"""Kills the canary loop at one of its operations: put into PYTHONPATH as sitecustomize.py, which Python runs first.

SLIPWAY_KILL is a number. Python announces each file operation, each program that it starts and each connection that it
opens to audit hooks before it does it; once the loop's code runs, the n-th gets the whole process group SIGKILL.
"""

import os
import signal
import sys

_EVENTS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "open", "subprocess.Popen", "socket.connect"}


def _arm(moment: int) -> None:
    seen = 0

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal seen
        if event in _EVENTS and "slipway.canary.loop" in sys.modules and not str(details[0]).endswith((".py", ".pyc")):
            seen += 1
            if seen == moment:
                os.killpg(os.getpgrp(), signal.SIGKILL)

    sys.addaudithook(hook)


if "SLIPWAY_KILL" in os.environ:
    _arm(int(os.environ["SLIPWAY_KILL"]))
