"""The loop as a process: put together, with its Lease, its metrics and its end; and the same once, for a person."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from slipway.adapters import forge
from slipway.adapters.git import Committer, Remote
from slipway.adapters.kube import Cluster
from slipway.adapters.prometheus import Prometheus
from slipway.canary import history
from slipway.canary.clone import Clone
from slipway.canary.figures import Figures, listen
from slipway.canary.history import Chosen
from slipway.canary.leader import Candidate, Terms
from slipway.canary.look import Lookout, no_shadow
from slipway.canary.loop import Loop, Outcome, UserClone, run
from slipway.canary.shadow_log import ShadowLog
from slipway.canary.sighting import Sight
from slipway.errors import UsageError
from slipway.request_log.settings import Access
from slipway.serving import logs

NAME, EMAIL = "Slipway canary", "canary@slipway.internal"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NAMESPACE = "slipway"
_RESIGN_SECONDS = 0.5
_log = logging.getLogger("slipway.canary")


@dataclass(frozen=True)
class Asked:
    """Who is asked.

    Attributes:
        prometheus: its URL.
        kubeconfig: of the cluster; None for the pod's ServiceAccount.
        request_log: the NATS that has both answers to a shadow's requests; None where no pairs are compared.
    """

    prometheus: str | None
    kubeconfig: Path | None
    request_log: Access | None = None

    def lookout(self, cluster: Cluster) -> Lookout:
        if self.prometheus is None:
            raise UsageError("Nobody says where Prometheus is.", "Name it with --prometheus or SLIPWAY_PROMETHEUS.")
        shadow = ShadowLog(self.request_log).look if self.request_log is not None else no_shadow
        return Lookout(Sight(Prometheus(self.prometheus)), cluster, shadow)


@dataclass(frozen=True)
class Settings:
    """Of the process.

    Attributes:
        clone: the folder of its clone; None for one below the folder for temporary files.
        seconds: between two looks.
        metrics_port: 0 for any that is free.
    """

    git_url: str | None
    credentials: Path | None
    clone: Path | None
    signing_key: Path | None
    seconds: float
    metrics_port: int
    asked: Asked


def once(remote: Remote, asked: Asked, chosen: Chosen) -> list[Outcome]:
    """Look and act once.

    Raises:
        GitFault: when main cannot be had.
        KubeFault: when nothing says where the cluster is.
    """
    cluster = Cluster(asked.kubeconfig)
    try:
        loop = Loop(UserClone(remote), asked.lookout(cluster), Figures(), forge=forge.choose(remote), chosen=chosen)
        outcomes = loop.cycle()
    finally:
        cluster.close()
    if not outcomes:
        chosen.check(remote, history.places(remote, remote.main()))
    return outcomes


def serve(settings: Settings, chosen: Chosen) -> None:
    """Loop until SIGTERM or Ctrl-C, which end it within a second.

    Raises:
        UsageError: when something that it needs is not named.
        KubeFault: when nothing says where the cluster is.
    """
    logs.configure(logs.JSON if not sys.stderr.isatty() else None, "")
    if settings.git_url is None:
        raise UsageError("Nobody says where Git is.", "Name it with --git-url or SLIPWAY_GIT_URL, or use --once.")
    committer = Committer(NAME, EMAIL, settings.signing_key)
    folder = settings.clone or Path(tempfile.gettempdir()) / "slipway-canary" / "clone.git"
    cluster, figures = Cluster(settings.asked.kubeconfig), Figures()
    candidate = Candidate(cluster, Terms(_namespace()), f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}")
    clone = Clone(folder, settings.git_url, settings.credentials, committer)
    issues = forge.choose(clone.remote())
    loop = Loop(clone, settings.asked.lookout(cluster), figures, candidate.leads, issues, chosen)
    server = listen(figures, _host(), settings.metrics_port)
    _log.info("listens on port %d", server.server_address[1], extra={"identity": candidate.identity})
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    candidate.start()
    try:
        run(loop, candidate, settings.seconds, stopped)
    finally:
        # Another leads at once instead of when the Lease ends; whoever cannot be told in time finds out.
        told = threading.Thread(target=candidate.resign, daemon=True)
        told.start()
        told.join(_RESIGN_SECONDS)
        _log.info("ends")


def _end(number: int, frame: FrameType | None) -> None:
    """Leave whatever is under way: what is half done counts for nothing."""
    sys.exit(0)


def _namespace() -> str:
    """Where the Lease is: beside the pod."""
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.is_file() else _NAMESPACE


def _host() -> str:
    """Prometheus and the kubelet reach a pod by its address; elsewhere nobody needs to."""
    return "0.0.0.0" if "KUBERNETES_SERVICE_HOST" in os.environ else "127.0.0.1"
