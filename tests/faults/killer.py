"""Kills a stage at one of its writes: put into a copy's PYTHONPATH as sitecustomize.py, which Python runs at its start.

SLIPWAY_KILL is "<stage> <n>". Python announces each file operation to audit hooks before it does it; at the n-th one
that touches a scratch folder, the stage's whole process group (DVC and all) gets SIGKILL.
"""

import os
import signal
import sys

_EVENTS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "open"}


def _arm(stage: str, moment: int) -> None:
    seen = 0

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal seen
        if event in _EVENTS and ".scratch" in str(details[0]):
            seen += 1
            if seen == moment:
                os.killpg(os.getpgrp(), signal.SIGKILL)

    if sys.orig_argv[1:2] == [f"pipelines/{stage}.py"]:
        sys.addaudithook(hook)


if "SLIPWAY_KILL" in os.environ:
    _stage, _moment = os.environ["SLIPWAY_KILL"].split()
    _arm(_stage, int(_moment))
