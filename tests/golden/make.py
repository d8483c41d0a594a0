"""Make a golden release: `pytest tests/golden/make.py` writes one below this folder, named by today's date.

Run by hand when a format of what is said of a release changes, never to replace an old one: those are what
test_golden.py is about. The private key is thrown away, so that nobody can make another in its name.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slipway.project import ModelPaths
from tests import attested
from tests.unit.slipway.release.conftest import here, packable, params

__all__ = ["here", "packable", "params"]

GOLDEN = Path(__file__).parent


def test_make(here: ModelPaths, params: dict[str, Any], tmp_path: Path) -> None:
    """A release of five trees on noise, packaged, signed and scanned as any other."""
    now = datetime.now(UTC)
    target = GOLDEN / f"{now:%Y-%m-%d}"
    assert not target.exists(), f"{target} exists: a golden release is kept as it is"
    made = attested.signed(attested.made(here, params), tmp_path / "keys")
    copy = made.copy(target)
    shutil.copyfile(made.public, target / "key.pem.pub")
    assert sorted(path.name.removeprefix(copy.release.name) for path in target.iterdir()) == [
        "", ".provenance.json", ".scan.json", ".sig", "key.pem.pub",
    ]  # fmt: skip
