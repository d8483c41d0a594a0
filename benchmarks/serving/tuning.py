"""The settings at which a stock server is at its best on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.serving import servers, wrk
from benchmarks.serving.servers import Launch

_CONNECTIONS = (8, 64)


def try_out(candidates: Sequence[Launch], path: str, bodies: Path, scratch: Path) -> dict[str, float]:
    """The most answers per second that each candidate gave, at 8 or 64 connections, by its name.

    All run at once and are loaded in turn, once and again: noise only ever slows, and a slow second of the best
    candidate must not make us compare ourselves with a worse one.
    """
    tried: dict[str, float] = {}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(candidates) or 1) as starting:
        starts = [servers.running(one, scratch / f"try-{n}") for n, one in enumerate(candidates)]
        up = list(starting.map(stack.enter_context, starts))
        for connections in _CONNECTIONS:
            for candidate in up:
                load = wrk.load(candidate.url, path, bodies, connections, 1)
                tried[candidate.launch.name] = max(tried.get(candidate.launch.name, 0), load.per_second)
    return tried


def best(candidates: Sequence[Launch], tried: dict[str, float]) -> Launch:
    """The candidate that gave the most; the first where none was tried."""
    return max(candidates, key=lambda launch: tried.get(launch.name, 0))
