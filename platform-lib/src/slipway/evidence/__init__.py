"""Verdicts on disk: the file that each gate leaves behind, and the one evidence file of a release.

A verdict is worth nothing without the thing it was passed on. Each file therefore carries a ``subject``, the
sha256 of what was judged, and evidence is refused when a verdict is missing, stale (its subject is not what is
being packaged) or red.
"""

from slipway.evidence.collect import EvidenceRefused, check, check_green, collect
from slipway.evidence.conclude import conclude, pronounce, stop_if_red
from slipway.evidence.subject import subject

__all__ = ["EvidenceRefused", "check", "check_green", "collect", "conclude", "pronounce", "stop_if_red", "subject"]
