"""What the counters of a release's pods add up to, block by block: exactly, whatever begins anew meanwhile.

Prometheus' own ``increase`` extrapolates to the window's ends and so makes fractions of requests; a test of counts
needs counts. Here a counter that is less than it was has begun anew (its pod's container restarted) and has grown by
what it says; a pod that was not there before has grown by all that it says. What a pod answered between the last look
and its restart is lost, as nobody has told of it; restarts are counted by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.int64]


class Growth:
    """The counters of all pods of one release, of one kind.

    Args:
        width: how many counters each pod has.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._last: dict[str, Figures] = {}

    def since_last(self, values: Mapping[str, Figures], known: bool) -> Figures:
        """(width,) how much the counters have grown since the last call, summed over pods.

        A pod that is not among ``values`` is remembered: it may be back.

        Args:
            values: (width,) counters by pod.
            known: whether a pod that was not there before is known to be new; otherwise its counters are where it
                begins, for it may have counted before anybody looked.
        """
        grown = np.zeros(self._width, np.int64)
        for pod, now in values.items():
            before = self._last.get(pod)
            if before is not None:
                grown += now if (now < before).any() else now - before
            elif known:
                grown += now
            self._last[pod] = now
        return grown


def by_bucket(grown: Figures, bounds: int, told: NDArray[np.bool_]) -> tuple[int, ...]:
    """(bounds + 1,) counts of each bucket, of cumulative ones.

    Args:
        grown: (bounds + 1,) by upper bound, the last without one.
        bounds: their number.
        told: (bounds + 1,) which upper bounds both releases count by: a server of an older kind may have fewer. What
            lies between two of them is counted at the upper one.
    """
    counts = np.zeros(bounds + 1, np.int64)
    at = np.flatnonzero(told[:bounds])
    at = np.append(at, bounds)
    counts[at] = np.diff(grown[at], prepend=0)
    return tuple(counts.tolist())
