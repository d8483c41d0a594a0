"""Writing the verdicts of a stage down, and stopping it when one is red."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from slipway.errors import GateRed
from slipway.files import read_json, write_json
from slipway.gates.verdict import Verdict
from slipway.progress import console
from slipway.project import ModelPaths


def conclude(verdicts: Sequence[Verdict], subject: dict[str, str], paths: ModelPaths) -> None:
    """Write and print every verdict; then raise if any is red: :func:`pronounce` and :func:`stop_if_red`."""
    pronounce(verdicts, subject, paths)
    stop_if_red(verdicts, paths)


def pronounce(verdicts: Sequence[Verdict], subject: dict[str, str], paths: ModelPaths) -> None:
    """Write and print every verdict.

    Args:
        verdicts: the verdicts of one stage.
        subject: sha256 of each thing that they were passed on.
        paths: the model's paths.
    """
    for verdict in verdicts:
        write_json(paths.verdict(verdict.gate), {**verdict.as_evidence(), "subject": subject})
        sign = "[green]green[/green]" if verdict.passed else "[red]RED[/red]"
        console.print(f"  gate {verdict.gate}: {sign} {escape(verdict.reason)}", soft_wrap=True)
    _remember(verdicts, paths)


def stop_if_red(verdicts: Sequence[Verdict], paths: ModelPaths) -> None:
    """Raise GateRed, naming the red gates, if there are any."""
    red = [verdict.gate for verdict in verdicts if not verdict.passed]
    if red:
        raise GateRed(
            f"Gate {', '.join(red)} is red for model {paths.name}.",
            f"The figures are in {paths.verdict(red[0])}; thresholds are in params.yaml under gates.{red[0]}.",
        )


def _remember(verdicts: Sequence[Verdict], paths: ModelPaths) -> None:
    """Keep machine-dependent measurements beside the evidence, where no digest covers them."""
    observed = {verdict.gate: dict(verdict.observed) for verdict in verdicts if verdict.observed}
    if observed:
        earlier: dict[str, Any] = read_json(paths.observed) if paths.observed.exists() else {}
        write_json(paths.observed, earlier | observed)
