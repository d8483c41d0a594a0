"""One module per gate: each takes data and thresholds and returns a verdict; none opens a file.

Every module here but :mod:`slipway.gates.verdict` is a gate. It holds a frozen dataclass ``Thresholds``, whose
fields are what params.yaml may say under ``gates.<gate>``, and a function ``judge`` that ends in a
:class:`~slipway.gates.verdict.Verdict`. None has an off switch. ``tests/gates/test_<gate>.py`` injects the
fault that the gate exists for and sees it go red; ``tests/layout/test_gates_bite.py`` replaces each ``judge``
by one that is always green and sees that very test fail.
"""

from __future__ import annotations

import pkgutil


def names() -> list[str]:
    """Names of all gates, from the modules of this package."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "verdict")
