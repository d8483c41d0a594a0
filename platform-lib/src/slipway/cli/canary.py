"""``slipway canary``: roll challengers forward or back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Json, NatsCa, NatsCredentials, PlatformFile, not_blank

if TYPE_CHECKING:
    from slipway.canary.loop import Outcome


def canary(
    once: Annotated[
        bool, typer.Option("--once", help="Look and act once, from your clone and a platform's record, and end.")
    ] = False,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", metavar="ENVIRONMENT", help="Only this one.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="MODEL", help="Only this one.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Between two looks.")] = 3.0,
    remote: Annotated[
        str, typer.Option("--remote", help="With --once, the Git remote whose main the cluster runs.")
    ] = "platform",
    git_url: Annotated[
        str | None,
        typer.Option("--git-url", envvar="SLIPWAY_GIT_URL", metavar="URL", help="The Git whose main the cluster runs."),
    ] = None,
    git_credentials: Annotated[
        Path | None,
        typer.Option(
            "--git-credentials",
            envvar="SLIPWAY_GIT_CREDENTIALS",
            callback=not_blank,
            help="A file as `git credential-store` keeps it.",
        ),
    ] = None,
    clone: Annotated[
        Path | None,
        typer.Option("--clone", help="Folder for the loop's own clone. Default: below the folder for temporary files."),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            "--prometheus",
            envvar="SLIPWAY_PROMETHEUS",
            metavar="URL",
            help="The Prometheus that scrapes the model servers. With --once, by default the platform's.",
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig", help="Of the cluster. Default: the pod's ServiceAccount; with --once, the platform's."
        ),
    ] = None,
    signing_key: Annotated[
        Path | None,
        typer.Option(
            "--signing-key",
            envvar="SLIPWAY_SIGNING_KEY",
            callback=not_blank,
            help="SSH private key that signs the commits. Without it they are not signed; with --once, Git decides.",
        ),
    ] = None,
    nats: Annotated[
        str | None,
        typer.Option(
            "--nats",
            envvar="SLIPWAY_NATS",
            metavar="URL",
            help="The NATS of the request log, out of which a shadow's pairs are compared; several with commas.",
        ),
    ] = None,
    nats_creds: NatsCredentials = None,
    nats_ca: NatsCa = None,
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="For /metrics and /healthz; 0 for any.")] = 9100,
    platform: PlatformFile = None,
    json: Json = False,
) -> None:
    """Roll challengers forward or back: look at each roll-out, decide, and commit the next weight or the rollback.

    A challenger begins at 0 % and waits until it is ready. It then gets the weights of canary.yaml, one after another,
    while its errors, latency and scores are compared with the champion's, and ends as the champion; or it is rolled
    back, with the reason in the commit. All that a roll-out remembers is in Git, so this may be killed at any moment.
    docs/reference/canary.md says what is compared and how.

    Without --once it goes on until SIGTERM, as the platform's own loop does; of several, the holder of a Lease acts.

    Examples:

      slipway canary --once

      slipway canary --once --environment production --model flight_delay --json

      slipway canary --git-url http://git.internal/platform --prometheus http://prometheus.monitoring.svc:9090
    """
    from slipway.canary import service
    from slipway.canary.history import Chosen
    from slipway.request_log.access import check
    from slipway.request_log.settings import Access

    chosen = Chosen(model, environment)
    request_log = Access(tuple(nats.split(",")), nats_creds, nats_ca) if nats else None
    if request_log is not None:
        check(request_log)
    if once:
        from slipway import project
        from slipway.adapters.git import Committer, Remote
        from slipway.promotion import platform as platforms

        where = platforms.read(platform) if kubeconfig is None or prometheus is None else None
        committer = Committer(service.NAME, service.EMAIL, signing_key) if signing_key is not None else None
        cluster = kubeconfig or (where.kubeconfig if where is not None else None)
        url = prometheus or (where.prometheus if where is not None else None)
        outcomes = service.once(
            Remote(project.root(), remote, committer), service.Asked(url, cluster, request_log), chosen
        )
        _show(outcomes, json)
        return
    service.serve(
        service.Settings(
            git_url=git_url, credentials=git_credentials, clone=clone, signing_key=signing_key, seconds=seconds,
            metrics_port=metrics_port, asked=service.Asked(prometheus, kubeconfig, request_log),
        ),
        chosen,
    )  # fmt: skip


def _show(outcomes: Sequence[Outcome], json: bool) -> None:
    """Print what came of each roll-out; what kept from deciding about one is raised in the end.

    Raises:
        SlipwayError: the first of them.
    """
    from slipway.files import canonical_json

    if json:
        sys.stdout.write(canonical_json([_as_json(outcome) for outcome in outcomes]).decode())
    elif not outcomes:
        print("No roll-out is under way.")
    for outcome in outcomes if not json else ():
        decided, place = outcome.decision, f"{outcome.environment}/{outcome.model} {outcome.release[:12]}"
        if decided is not None:
            done = f"  {outcome.commit[:12]}" if outcome.commit is not None else ""
            print(f"{place}  {decided.action}, {decided.weight} %  {decided.reason}{done}")
            for finding in decided.findings:
                print(f"  {finding.aspect}: {finding.said}")
    for outcome in outcomes:
        if outcome.fault is not None:
            raise outcome.fault


def _as_json(outcome: Outcome) -> dict[str, Any]:
    decided, fault = outcome.decision, outcome.fault
    return {
        "environment": outcome.environment,
        "model": outcome.model,
        "release": outcome.release,
        "image": outcome.image,
        "decision": asdict(decided) if decided is not None else None,
        "commit": outcome.commit,
        "fault": str(fault) if fault is not None else None,
    }
