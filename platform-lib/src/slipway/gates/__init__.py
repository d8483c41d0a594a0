"""One module per gate: each takes data and thresholds and returns a verdict; none opens a file.

Every module here but :mod:`slipway.gates.verdict` is a gate. It holds a frozen dataclass ``Thresholds``, whose
fields are what params.yaml may say under ``gates.<gate>``, and a function ``judge`` that ends in a
:class:`~slipway.gates.verdict.Verdict`. None has an off switch. ``tests/gates/test_<gate>.py`` injects the
fault that the gate exists for and sees it go red; ``tests/layout/test_gates_bite.py`` replaces each ``judge``
by one that is always green and sees that very test fail.

The pipeline judges :func:`names`, whose verdicts are the release's evidence. :data:`ATTESTED` need keys or the
time, so ``slipway verify`` judges them on the finished release.
"""

from __future__ import annotations

import pkgutil

ATTESTED = ("advisories", "provenance")


def names() -> list[str]:
    """Names of the gates whose verdicts a release holds: all modules of this package, without :data:`ATTESTED`."""
    modules = {module.name for module in pkgutil.iter_modules(__path__)}
    return sorted(modules - {"verdict", *ATTESTED})
