"""An error says what happened and what to do."""

from __future__ import annotations

import pytest

from infra.errors import PlatformError, UsageError


@pytest.mark.parametrize(("kind", "code"), [(PlatformError, 3), (UsageError, 2)])
def test_an_error_names_what_happened_and_the_remedy(kind: type[PlatformError], code: int) -> None:
    error = kind("Port 8080 is taken.", "Choose another with --port.")
    assert str(error) == "Port 8080 is taken.\nChoose another with --port."
    assert error.exit_code == code
