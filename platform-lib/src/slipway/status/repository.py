"""What Git says: the records of every model at the remote's main, canary.yaml beside them, and the roll-outs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from slipway.adapters.git import Remote
from slipway.canary import history
from slipway.canary.history import Chosen
from slipway.errors import UsageError
from slipway.rendering.served import ENVIRONMENTS, check_environment
from slipway.status.rollouts import grouped
from slipway.status.standing import Standing

_T = TypeVar("_T")


def read(remote: Remote, commit: str, chosen: Chosen) -> tuple[Standing, ...]:
    """The standings at a commit of main, in the order in which a release goes through the environments.

    Raises:
        UsageError: when there is no such environment or model.
        GitFault: when Git cannot tell.
    """
    if chosen.environment is not None:
        check_environment(chosen.environment)
    places = sorted(
        (place for place in history.places(remote, commit) if place[0] in ENVIRONMENTS),
        key=lambda place: (ENVIRONMENTS.index(place[0]), place[1]),
    )
    chosen.check(remote, places)
    return tuple(_standing(remote, commit, place) for place in places if place in chosen)


def _standing(remote: Remote, commit: str, place: tuple[str, str]) -> Standing:
    faults: list[str] = []

    def told(read: Callable[[Remote, str, str, str], _T]) -> _T | None:
        try:
            return read(remote, commit, *place)
        except UsageError as error:
            faults.append(error.what)
            return None

    record, settings = told(history.read_record), told(history.read_settings)
    rollout = history.rollout(remote, commit, *place) if record is not None else None
    past = grouped(history.events(remote, commit, *place), rollout.challenger if rollout is not None else None)
    return Standing(*place, record=record, settings=settings, rollout=rollout, past=past, faults=tuple(faults))
