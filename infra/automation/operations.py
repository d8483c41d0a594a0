"""What each verb does to a stack. One run at a time per stack; each may be repeated after a crash."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pulumi.automation as auto
from rich.console import Console

from infra.__main__ import compose
from infra.automation import applications, clone, engine, failures, lock, record
from infra.automation.progress import EngineProgress
from infra.bootstrap import account
from infra.clusters import capabilities, choice
from infra.errors import PlatformError, UsageError
from infra.paths import REPOSITORY, check_stack_name, known_stacks, state_folder, state_root
from infra.settings import StackSettings


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    stack: str
    console: Console
    """Where progress goes."""
    settings_file: Path | None = None
    """Another file than infra/Pulumi.<stack>.yaml."""
    clone: Path = REPOSITORY
    """The user's repository, which gets the remote `platform`."""

    def __post_init__(self) -> None:
        check_stack_name(self.stack)


@dataclass(frozen=True)
class Outcome:
    """What an operation of the engine did, or would do."""

    changes: dict[str, int]
    """Number of resources by operation; `same` are those that are as they should be."""
    changed: list[dict[str, str]]
    outputs: dict[str, Any] = field(default_factory=dict)
    platform: dict[str, Any] = field(default_factory=dict)
    """What `platform.json` says."""
    notes: list[str] = field(default_factory=list)


def up(request: Request) -> Outcome:
    """Bring the platform up, or back to what its settings say: what has drifted is put right."""
    raw, settings = _settings(request)
    with lock.held(request.stack):
        chosen = _choose(request, settings)
        provider = capabilities.provider(chosen.provider)
        provider.check(request.stack, settings)
        account.account(settings.gitops, "")  # before anything is made
        _settle(request, provider)
        choice.remember(request.stack, chosen.provider)
        stack = _open(request, raw)
        outcome = _run(
            request, "bringing it up", lambda on_event: stack.up(refresh=True, on_event=on_event, suppress_outputs=True)
        )
        outputs = {name: value.value for name, value in stack.outputs().items()}
        platform = record.write(request.stack, outputs)
        notes = _connect_clone(request, outputs["git"])
    return Outcome(outcome.changes, outcome.changed, outputs, platform, notes)


def preview(request: Request, *, refresh: bool) -> Outcome:
    """What `up` would change; with `refresh` held against what is really there, so that drift shows."""
    raw, settings = _settings(request)
    fresh = request.stack not in known_stacks()
    with lock.held(request.stack):
        chosen = _choose(request, settings)
        capabilities.provider(chosen.provider).check(request.stack, settings)
        account.account(settings.gitops, "")
        stack = _open(request, raw)
        try:
            return _run(request, "looking", lambda on_event: stack.preview(refresh=refresh, on_event=on_event))
        finally:
            if fresh:  # a look leaves nothing behind
                shutil.rmtree(state_folder(request.stack), ignore_errors=True)


def down(request: Request, *, keep_state: bool = False) -> Outcome:
    """Remove the platform, whatever a crash has left of it, and its state unless that is to be kept."""
    _known(request.stack)
    with lock.held(request.stack):
        provider = capabilities.provider(choice.remembered(request.stack) or "existing")
        git = _git_url(request.stack)
        try:
            outcome = _destroy(request)
        except PlatformError:
            if not provider.owns_cluster:
                raise
            # Everything the state speaks of is inside a cluster that ends below.
            request.console.print("Pulumi could not take it down; the cluster is removed without it.", style="yellow")
            outcome = Outcome({}, [])
        provider.remove(request.stack)
        if git:
            clone.disconnect(request.clone, git)
        if not keep_state:
            shutil.rmtree(state_folder(request.stack))
    return outcome


def stop(request: Request) -> None:
    """Stop the cluster; its data stays."""
    _pause(request, lambda provider: provider.stop(request.stack))


def start(request: Request) -> None:
    """Go on after `stop`."""
    _pause(request, lambda provider: provider.start(request.stack))


def status(request: Request) -> dict[str, Any]:
    """How the cluster is, and what the platform's record says."""
    _known(request.stack)
    name = choice.remembered(request.stack)
    cluster = (
        capabilities.provider(name).status(request.stack) if name else capabilities.ClusterStatus("absent", "never up")
    )
    answer: dict[str, Any] = {"stack": request.stack, "provider": name, "cluster": cluster.state}
    answer["detail"] = cluster.detail
    try:
        answer["platform"] = record.read(request.stack)
    except PlatformError:
        answer["platform"] = None
    running = answer["platform"] is not None and cluster.state == "running"
    found = applications.read(Path(answer["platform"]["kubeconfig"])) if running else {}
    answer["applications"] = {name: asdict(application) for name, application in sorted(found.items())}
    return answer


def wait(request: Request) -> dict[str, Any]:
    """Wait until Argo CD has applied everything and all of it is healthy."""
    _known(request.stack)
    kubeconfig = Path(record.read(request.stack)["kubeconfig"])

    def say(line: str) -> None:
        request.console.print(f"    {line}", highlight=False)

    with request.console.status("waiting for what Argo CD applies"):
        found = applications.wait(lambda: applications.read(kubeconfig), say)
    return {name: asdict(application) for name, application in found.items()}


def variables(request: Request) -> dict[str, str]:
    """The environment in which plain `pulumi` commands see this stack."""
    _known(request.stack)
    return engine.environment(request.stack, engine.find_command())


def _settings(request: Request) -> tuple[dict[str, Any], StackSettings]:
    return engine.settings_of(request.settings_file or engine.settings_file(request.stack))


def _choose(request: Request, settings: StackSettings) -> choice.Choice:
    chosen = choice.for_stack(request.stack, settings)
    request.console.print(f"Cluster of stack {request.stack}: {chosen.provider}, because {chosen.reason}.")
    return chosen


def _settle(request: Request, provider: capabilities.ClusterProvider) -> None:
    """After a reboot or `stop` the cluster is started; where it has gone, so has all that Pulumi's state speaks of."""
    folder, name = state_folder(request.stack), choice.remembered(request.stack)
    state = provider.status(request.stack).state if name else "unknown"
    if state == "stopped":
        request.console.print("The cluster is stopped: starting it.")
        provider.start(request.stack)
    elif state == "absent" and provider.owns_cluster and (folder / "pulumi").exists():
        request.console.print("The cluster has gone: beginning anew.")
        shutil.rmtree(folder / "pulumi")
        shutil.rmtree(folder / "workspace", ignore_errors=True)


def _open(request: Request, raw: dict[str, Any]) -> auto.Stack:
    return engine.open_stack(request.stack, raw, compose, engine.find_command())


def _destroy(request: Request) -> Outcome:
    path = state_folder(request.stack) / "workspace" / f"Pulumi.{request.stack}.yaml"
    if not path.exists():
        return Outcome({}, [])
    raw, _ = engine.settings_of(path)
    stack = _open(request, raw)
    outcome = _run(request, "taking it down", lambda on_event: stack.destroy(on_event=on_event, suppress_outputs=True))
    stack.workspace.remove_stack(request.stack, force=True)
    return outcome


def _run(request: Request, title: str, operation: Callable[[auto.OnEvent], object]) -> Outcome:
    with EngineProgress(request.console, title) as progress:
        try:
            operation(progress.on_event)
        except auto.CommandError as error:
            raise failures.told(progress.errors, str(error)) from None
    return Outcome(dict(progress.changes), progress.changed)


def _pause(request: Request, operation: Callable[[capabilities.ClusterProvider], None]) -> None:
    _known(request.stack)
    with lock.held(request.stack):
        operation(capabilities.provider(choice.remembered(request.stack) or "existing"))


def _known(stack: str) -> None:
    if stack not in known_stacks():
        there = ", ".join(known_stacks()) or "none"
        raise UsageError(
            f"There is no platform {stack!r} on this machine: {state_root()} has {there}.",
            f"Name one of these, or bring it up: `make platform-up STACK={stack}`.",
        )


def _git_url(stack: str) -> str | None:
    try:
        return str(record.read(stack)["git"]["url"])
    except PlatformError:
        return None


def _connect_clone(request: Request, git: dict[str, str]) -> list[str]:
    if not git.get("password"):
        return []
    credentials = state_folder(request.stack) / clone.CREDENTIALS
    try:
        clone.connect(request.clone, git["url"], credentials, git["user"], git["password"])
    except PlatformError as error:
        # The platform is up; only the short form of the push is missing.
        return [str(error)]
    return []
