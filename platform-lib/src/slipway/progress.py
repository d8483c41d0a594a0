"""Telling a waiting person what is going on, on standard error, so that output stays clean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(stderr=True, highlight=False)
_SECONDS_BETWEEN_LINES = 10.0


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


@contextmanager
def counting(what: str, unit: str, total: int, todo: int) -> Iterator[Callable[[int], None]]:
    """Show how far work on many ``unit`` is: share of ``total``, how many a second, and the time left.

    ``todo`` of them are still to do. The block calls what it is given with how many more are done. On a terminal
    that moves a bar; elsewhere it writes a line now and then.
    """
    start, done = time.perf_counter(), 0

    def state() -> str:
        rate = done / max(time.perf_counter() - start, 1e-9)
        left = f", {_duration((todo - done) / rate)} left" if 0 < done < todo else ""
        share = (total - todo + done) / total if total else 1.0
        return f"{share:.0%} of {total:,} {unit}, {rate:,.0f} {unit}/s{left}"

    with _display(what) as show:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            show(state())

        yield advance
    console.print(
        f"  [green]✓[/green] {what}: {state()} [dim]{time.perf_counter() - start:.1f} s[/dim]", soft_wrap=True
    )


@contextmanager
def _display(what: str) -> Iterator[Callable[[str], None]]:
    if console.is_terminal:
        with console.status(what) as status:
            yield lambda state: status.update(f"{what}: {state}")
        return
    console.print(f"  … {what}")
    last = time.perf_counter()

    def line(state: str) -> None:
        nonlocal last
        if time.perf_counter() - last >= _SECONDS_BETWEEN_LINES:
            last = time.perf_counter()
            console.print(f"  … {what}: {state}", soft_wrap=True)

    yield line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
