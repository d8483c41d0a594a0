"""Tell people what the engine does, as it does it."""

from __future__ import annotations

import re
from collections import Counter
from types import TracebackType
from typing import Self

import pulumi.automation as auto
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

QUIET = frozenset({"same", "read", "refresh"})
_SIGNS = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "replace": "±",
    "create-replacement": "+",
    "delete-replaced": "-",
}
_NOISE = re.compile(r"using pulumi-[a-z-]+ from \$PATH|$")
_COLOUR_TAG = re.compile(r"<\{%.*?%\}>")


class EngineProgress:
    """A line for each resource that changes and a spinner for those under way. `on_event` goes to the engine."""

    def __init__(self, console: Console, title: str) -> None:
        self.errors: list[str] = []
        self.changes: Counter[str] = Counter()
        self.changed: list[dict[str, str]] = []
        self._console = console
        self._title = title
        self._under_way: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
        )
        self._task = self._bar.add_task(title)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def on_event(self, event: auto.EngineEvent) -> None:
        """Take one event of the engine."""
        if event.resource_pre_event:
            self._begin(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._end(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            self._fail(event.res_op_failed_event.metadata)
        elif event.diagnostic_event:
            self._tell(event.diagnostic_event)

    def _begin(self, step: auto.StepEventMetadata) -> None:
        if step.op not in QUIET:
            self._under_way[step.urn] = label(step.urn)
        self._show()

    def _end(self, step: auto.StepEventMetadata) -> None:
        self._under_way.pop(step.urn, None)
        operation = str(getattr(step.op, "value", step.op))
        # To be looked at is no change; and a component tells twice: that it is there, and its outputs.
        if operation == "refresh" or (step.urn, operation) in self._told:
            return
        self._told.add((step.urn, operation))
        self.changes[operation] += 1
        if operation not in QUIET:
            keys = ", ".join(step.diffs or [])
            self.changed.append({"operation": operation, "resource": label(step.urn), "differs": keys})
            self._console.print(
                f"  {_SIGNS.get(operation, '*')} {label(step.urn)}" + (f" ({keys})" if keys else ""),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        self._show()

    def _fail(self, step: auto.StepEventMetadata) -> None:
        self._under_way.pop(step.urn, None)
        self._console.print(f"  x {label(step.urn)} failed", style="red", markup=False, highlight=False)

    def _tell(self, diagnostic: auto.DiagnosticEvent) -> None:
        message = plain(diagnostic.message)
        if diagnostic.severity == "error":
            self.errors.append(message)
        elif diagnostic.severity in ("warning", "info#err") and not (diagnostic.ephemeral or _NOISE.match(message)):
            self._console.print(f"    {message}", style="dim", markup=False, highlight=False, soft_wrap=True)

    def _show(self) -> None:
        names = list(self._under_way.values())
        rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
        now = f": {', '.join(names[:2])}{rest}" if names else ""
        self._bar.update(self._task, description=f"{self._title}{now}")


def label(urn: str) -> str:
    """`Deployment argocd/argocd-server` from a resource's URN."""
    kinds, _, name = urn.split("::", 2)[-1].partition("::")
    kind = kinds.rsplit("$", 1)[-1]
    # A dynamic provider's resources have no kind of their own, and names that say enough.
    return name if kind.startswith("pulumi-python:") else f"{kind.rsplit(':', 1)[-1]} {name}"


def plain(message: str) -> str:
    """A message of the engine without its colour tags."""
    return _COLOUR_TAG.sub("", message).strip()
