"""A commit about a model in an environment changes two paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import SlipwayError
from slipway.rendering import paths


def test_they_are_the_record_and_the_rendered_folder() -> None:
    found = (Path("gitops/envs/staging/m/release.yaml"), Path("gitops/rendered/staging/m"))
    assert paths.of("staging", "m") == found


def test_a_third_path_is_refused() -> None:
    found = paths.of("staging", "m")
    paths.check([str(found[0]), f"{found[1]}/httproute.yaml"], found, "The promotion")
    for third in ("params.yaml", "gitops/rendered/staging/m2/x.yaml", "gitops/rendered/staging", f"{found[0]}/x"):
        with pytest.raises(SlipwayError, match="would change") as caught:
            paths.check([str(found[0]), third], found, "The promotion")
        assert caught.value.exit_code == 4
