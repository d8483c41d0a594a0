from __future__ import annotations

import io
from typing import Any

import pulumi.automation as auto
from rich.console import Console

from infra.automation import progress

URN = "urn:pulumi:test::slipway::slipway:bootstrap:ArgoCd$kubernetes:apps/v1:Deployment::argocd/argocd-server"


def event(kind: str, **content: Any) -> auto.EngineEvent:
    return auto.EngineEvent(sequence=1, timestamp=1, **{kind: content["of"]})


def step(operation: str, urn: str = URN, diffs: list[str] | None = None) -> Any:
    metadata = auto.StepEventMetadata(op=auto.OpType(operation), urn=urn, type="t", provider="p", diffs=diffs)
    return auto.ResOutputsEvent(metadata=metadata, planning=False)


def watched(*events: auto.EngineEvent) -> tuple[progress.EngineProgress, str]:
    text = io.StringIO()
    with progress.EngineProgress(Console(file=text, width=60), "working") as shown:
        for one in events:
            shown.on_event(one)
    return shown, text.getvalue()


def test_a_resource_is_named_by_kind_and_name() -> None:
    assert progress.label(URN) == "Deployment argocd/argocd-server"
    dynamic = "urn:pulumi:test::slipway::slipway:bootstrap:Registry$pulumi-python:dynamic:Resource::image-git"
    assert progress.label(dynamic) == "image-git"


def test_what_changes_is_shown_and_what_stays_is_counted() -> None:
    shown, text = watched(
        event("res_outputs_event", of=step("update", diffs=["spec.replicas"])),
        event("res_outputs_event", of=step("same", urn=URN + "-2")),
    )
    assert "~ Deployment argocd/argocd-server (spec.replicas)" in text
    assert "argocd-server-2" not in text
    assert dict(shown.changes) == {"update": 1, "same": 1}


def test_a_component_that_tells_twice_counts_once() -> None:
    shown, text = watched(*[event("res_outputs_event", of=step("create"))] * 2)
    assert (shown.changes["create"], text.count("+ Deployment")) == (1, 1)


def test_errors_are_kept_and_noise_is_not_shown() -> None:
    def said(severity: str, message: str) -> auto.EngineEvent:
        return event("diagnostic_event", of=auto.DiagnosticEvent(message=message, color="never", severity=severity))

    shown, text = watched(
        said("error", "<{%fg 1%}>it broke<{%reset%}>\n"),
        said("warning", "using pulumi-resource-kubernetes from $PATH at /x"),
        said("info#err", "a node that is ready and whose line is longer than the terminal is wide, by far\n"),
    )
    assert shown.errors == ["it broke"]
    assert "using" not in text
    assert "longer than the terminal is wide, by far\n" in text
