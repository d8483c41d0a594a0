"""Which of several loops acts: the holder of a Lease.

As in Kubernetes' own controllers, a Lease has ended for those who have not seen it renewed for as long as it says, by
their own clock; nobody compares clocks. Its holder acts only while less than that has passed since it asked for the
last renewal that succeeded, so that it stops before another begins. Should two act all the same, Git's lease on main
lets one of them through.

Source: https://github.com/kubernetes/client-go/blob/v0.34.0/tools/leaderelection/leaderelection.go
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.resources.coordination_v1 import Lease

from slipway.adapters.kube import Cluster, KubeFault

_log = logging.getLogger("slipway.canary")


@dataclass(frozen=True)
class Terms:
    """Of the Lease.

    Attributes:
        namespace, name: where it is.
        seconds: so long it holds without a renewal.
        renew_seconds: how often it is renewed.
        grace_seconds: so much earlier its holder stops, for what is under way.
    """

    namespace: str
    name: str = "canary"
    seconds: int = 15
    renew_seconds: float = 5.0
    grace_seconds: float = 3.0


@dataclass
class Candidate:
    """One who would lead.

    Attributes:
        identity: a name that nobody else has.
        clock: seconds that only ever grow.
    """

    cluster: Cluster
    terms: Terms
    identity: str
    clock: Callable[[], float] = monotonic
    _until: float = field(default=float("-inf"), init=False)
    _seen: tuple[str | None, float] = field(default=(None, float("-inf")), init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    # So that a renewal that is under way does not take back what is given up.
    _writing: threading.Lock = field(default_factory=threading.Lock, init=False)

    def leads(self) -> bool:
        """Whether it may act now."""
        return not self._stopped.is_set() and self.clock() < self._until

    def start(self) -> None:
        """Apply for the Lease, and renew it, in a thread of its own until :meth:`resign`."""
        threading.Thread(target=self._renew, name="lease", daemon=True).start()

    def apply(self) -> None:
        """Take the Lease if it is free, or renew it; nothing once it has resigned."""
        with self._writing:
            if self._stopped.is_set():
                return
            asked, led = self.clock(), self.leads()
            try:
                held = self.cluster.lease(self.terms.namespace, self.terms.name)
                if not self._is_free(held, asked):
                    return
                self.cluster.write_lease(self.terms.namespace, self.terms.name, self._spec(held), held)
            except KubeFault as error:
                _log.warning("the Lease cannot be had: %s", error.what)
                return
            self._until = asked + self.terms.seconds - self.terms.grace_seconds
        if not led:
            _log.info("leads from now on", extra={"identity": self.identity})

    def resign(self) -> None:
        """Stop acting, and let the next one lead at once."""
        self._stopped.set()
        with self._writing:
            try:
                held = self.cluster.lease(self.terms.namespace, self.terms.name)
                if held is not None and held.spec is not None and held.spec.holderIdentity == self.identity:
                    spec = self._spec(held)
                    spec.holderIdentity = ""
                    self.cluster.write_lease(self.terms.namespace, self.terms.name, spec, held)
            except KubeFault as error:
                _log.warning("the Lease is left to end by itself: %s", error.what)

    def _renew(self) -> None:
        while not self._stopped.is_set():
            try:
                self.apply()
            except Exception:  # Whatever it is, without this thread nobody would lead for ever.
                _log.exception("the Lease cannot be had")
            # One who waits looks more often than the holder renews, and so notices soon that it has ended.
            self._stopped.wait(self.terms.renew_seconds if self.leads() else self.terms.renew_seconds / 2)

    def _is_free(self, held: Lease | None, now: float) -> bool:
        if held is None or held.spec is None or held.spec.holderIdentity in ("", None, self.identity):
            return True
        version = held.metadata.resourceVersion if held.metadata is not None else None
        if version != self._seen[0]:
            self._seen = version, now
        return now - self._seen[1] >= (held.spec.leaseDurationSeconds or self.terms.seconds)

    def _spec(self, held: Lease | None) -> LeaseSpec:
        now = datetime.now(UTC)
        before = held.spec if held is not None and held.spec is not None else LeaseSpec()
        mine = before.holderIdentity == self.identity
        return LeaseSpec(
            holderIdentity=self.identity,
            leaseDurationSeconds=self.terms.seconds,
            acquireTime=before.acquireTime if mine else now,
            renewTime=now,
            leaseTransitions=(before.leaseTransitions or 0) + (0 if mine else 1),
        )
