"""What Git says: the records of every model at the remote's main, canary.yaml beside them, and the roll-outs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from slipway.adapters.git import Remote
from slipway.canary import history
from slipway.errors import UsageError
from slipway.rendering.served import ENVIRONMENTS, check_environment
from slipway.status.rollouts import grouped
from slipway.status.standing import Standing

_T = TypeVar("_T")


@dataclass(frozen=True)
class Asked:
    """Which models are asked for: ``model`` of every environment, every model of ``environment``; None for all."""

    model: str | None = None
    environment: str | None = None

    def __contains__(self, place: tuple[str, str]) -> bool:
        environment, model = place
        return self.environment in (None, environment) and self.model in (None, model)


def read(remote: Remote, commit: str, asked: Asked) -> tuple[Standing, ...]:
    """The standings at a commit of main, in the order in which a release goes through the environments.

    Raises:
        UsageError: when there is no such environment or model.
        GitFault: when Git cannot tell.
    """
    if asked.environment is not None:
        check_environment(asked.environment)
    places = sorted(
        (place for place in history.places(remote, commit) if place[0] in ENVIRONMENTS),
        key=lambda place: (ENVIRONMENTS.index(place[0]), place[1]),
    )
    found = tuple(_standing(remote, commit, place) for place in places if place in asked)
    if not found:
        what = (
            f"main of {remote.name} has no model {asked.model or 'at all'} in {asked.environment or 'any environment'}."
        )
        raise UsageError(what, f"It has {_listed(places)}.")
    return found


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


def _listed(places: Sequence[tuple[str, str]]) -> str:
    return ", ".join("/".join(place) for place in places) or "none"
