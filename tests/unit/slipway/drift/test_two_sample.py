"""alibi-detect is only in environments/drift, so its answers come from there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slipway.drift import two_sample
from slipway.errors import EnvironmentFault

PYTHON = Path(two_sample.__file__).parents[4] / "environments/drift/.venv/bin/python"
SCRIPT = """
import json, numpy as np, polars as pl
from slipway.drift.two_sample import chi_squared, kolmogorov_smirnov
ramp = np.arange(100.0)
half = chi_squared(pl.Series(["a", "b"] * 50))
print(json.dumps({
    "same": kolmogorov_smirnov(ramp)(ramp),
    "half": kolmogorov_smirnov(ramp)(ramp + 50),
    "constant": kolmogorov_smirnov(ramp)(np.zeros(50)),
    "equal shares": half(pl.Series(["a", "b"] * 20)),
    "only b": half(pl.Series(["b"] * 100)),
    "only new": half(pl.Series(["new"] * 100)),
    "single": chi_squared(pl.Series(["a"] * 9))(pl.Series(["a"] * 5)),
}))
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[float, float]]:
    run = subprocess.run([str(PYTHON), "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return json.loads(run.stdout)


def test_kolmogorov_smirnov_is_the_distance_of_distributions(outcomes: dict[str, tuple[float, float]]) -> None:
    assert outcomes["same"] == [0.0, 1.0]
    assert outcomes["half"][0] == pytest.approx(0.5)
    assert outcomes["half"][1] < 1e-9
    assert outcomes["constant"][0] == pytest.approx(0.99)


def test_cramers_v_of_categories(outcomes: dict[str, tuple[float, float]]) -> None:
    assert outcomes["equal shares"] == [0.0, 1.0]
    assert outcomes["only new"][0] == pytest.approx(1.0)
    # 50 of 100 against 100 of 100 with Yates' correction, which scipy applies to a table of two by two.
    expected = 200 * (abs(50 * 0 - 50 * 100) - 100) ** 2 / (100 * 100 * 50 * 150)
    assert outcomes["only b"][0] == pytest.approx(np.sqrt(expected / 200), rel=1e-5)


def test_one_category_on_both_sides_is_no_difference(outcomes: dict[str, tuple[float, float]]) -> None:
    assert outcomes["single"] == [0.0, 1.0]


def test_without_alibi_detect_the_error_says_where_it_lives() -> None:
    with pytest.raises(EnvironmentFault, match="environments/drift"):
        two_sample.kolmogorov_smirnov(np.arange(5.0))
    with pytest.raises(EnvironmentFault, match="alibi_detect"):
        two_sample.chi_squared(pl.Series(["a", "b"]))
