"""Each kind of error has its exit code, and says what and what to do."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import slipway
from slipway.errors import OWN_FAULT, EnvironmentFault, GateRed, SlipwayError, UsageError


@pytest.mark.parametrize(("kind", "code"), [(GateRed, 1), (UsageError, 2), (EnvironmentFault, 3), (SlipwayError, 3)])
def test_exit_codes(kind: type[SlipwayError], code: int) -> None:
    assert kind("x").exit_code == code


def test_what_and_remedy() -> None:
    error = UsageError("The door is shut.", "Open it.")
    assert (error.what, error.remedy, str(error)) == ("The door is shut.", "Open it.", "The door is shut. Open it.")
    assert str(UsageError("The door is shut.")) == "The door is shut."


def test_a_hostile_name_is_quoted_so_that_no_terminal_obeys_it_and_every_stream_takes_it() -> None:
    error = EnvironmentFault("\x1b[2K\udcff\r is bad.\n  ü", "Remove \x07.")
    assert error.what == "\\x1b[2K\\udcff\\r is bad.\n  ü"
    assert str(error) == f"{error.what} Remove \\x07."


# It runs in environments/mlserver only, and defines no error.
_ELSEWHERE = {"slipway.adapters.mlserver"}


def _below(kind: type[SlipwayError]) -> set[type[SlipwayError]]:
    return {kind}.union(*(_below(child) for child in kind.__subclasses__()))


def test_no_error_has_an_exit_code_of_its_own() -> None:
    """All subclasses in the library, wherever they are defined, keep to the documented codes."""
    for module in pkgutil.walk_packages(slipway.__path__, "slipway."):
        if not module.name.endswith("__main__") and module.name not in _ELSEWHERE:
            importlib.import_module(module.name)
    found = _below(SlipwayError)
    assert len(found) >= 6
    assert {kind.exit_code for kind in found} <= {1, 2, 3, OWN_FAULT}
