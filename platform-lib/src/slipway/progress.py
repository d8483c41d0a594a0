"""Telling a waiting person what is going on, on standard error, so that output stays clean."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(stderr=True, highlight=False)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce ``what`` while the block runs; on success print it again with the seconds it took."""
    start = time.perf_counter()
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        console.print(f"  … {what}")
        yield
    console.print(f"  [green]✓[/green] {what} [dim]{time.perf_counter() - start:.1f} s[/dim]")
