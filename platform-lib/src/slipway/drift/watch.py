"""What a model wants watched for drift, read from its ``drift_view`` module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import polars as pl


@dataclass(frozen=True)
class Faults:
    """The shifts that must be noticed, in columns of the raw rows.

    Attributes:
        sensors: numeric columns that one station measures; each is held at a constant in turn.
        station: the column that names the station.
        vanishing: categorical columns whose categories vanish in turn.
        station_shift: column to the shift of its mean at one station, in standard deviations of the reference.
        shift: the same for all rows at once.
        limit: as ``shift``, measured to be shown but not required.
        circular: column to its period, for a quantity that comes round again.
    """

    sensors: tuple[str, ...]
    station: str
    vanishing: tuple[str, ...]
    station_shift: Mapping[str, float]
    shift: Mapping[str, float]
    limit: Mapping[str, float]
    circular: Mapping[str, float]


@dataclass(frozen=True)
class Watch:
    """What is compared.

    Attributes:
        time: the raw column of time.
        numeric: the numeric columns of ``view(raw)``.
        categorical: its categorical columns.
        by_station: the numeric columns that are compared station by station; the furthest station counts.
        view: raw rows to the columns above and ``faults.station``, row by row.
        faults: the shifts that must be noticed.
    """

    time: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    by_station: tuple[str, ...]
    view: Callable[[pl.DataFrame], pl.DataFrame]
    faults: Faults


def watch(drift_view: ModuleType) -> Watch:
    """The watch that a model's ``drift_view`` module states; a name it lacks is an AttributeError."""
    faults = Faults(
        sensors=drift_view.SENSORS,
        station=drift_view.STATION,
        vanishing=drift_view.VANISHING,
        station_shift=drift_view.STATION_SHIFT,
        shift=drift_view.SHIFT,
        limit=drift_view.LIMIT,
        circular=drift_view.CIRCULAR,
    )
    return Watch(
        time=drift_view.TIME,
        numeric=drift_view.NUMERIC,
        categorical=drift_view.CATEGORICAL,
        by_station=drift_view.BY_STATION,
        view=drift_view.view,
        faults=faults,
    )
