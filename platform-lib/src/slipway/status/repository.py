"""What Git says: the records of every model at the remote's main, canary.yaml beside them, and the roll-outs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import GitFault, Remote
from slipway.canary.settings import Canary
from slipway.errors import UsageError
from slipway.release.record import Record
from slipway.rendering import render, served
from slipway.status.standing import Standing

MAIN = "main"


@dataclass(frozen=True)
class Asked:
    """Which models are asked for: ``model`` of every environment, every model of ``environment``; None for all."""

    model: str | None = None
    environment: str | None = None

    def __contains__(self, place: tuple[str, str]) -> bool:
        environment, model = place
        return self.environment in (None, environment) and self.model in (None, model)


def main(remote: Remote) -> str:
    """The commit of the remote's main.

    Raises:
        UsageError: when the clone knows no such remote.
        GitFault: when the remote cannot be reached, or has no main.
    """
    commit = remote.branch(MAIN)
    if commit is None:
        raise GitFault(
            f"The remote {remote.name} has no branch {MAIN}.", f"Push yours: `git push {remote.name} {MAIN}`."
        )
    return commit


def read(remote: Remote, commit: str, asked: Asked) -> list[Standing]:
    """The standings at a commit of main, in the order in which a release goes through the environments.

    Raises:
        UsageError: when there is no such environment or model.
    """
    if asked.environment is not None:
        served.check_environment(asked.environment)
    with remote.worktree(commit) as top:
        places = render.every(top)
        found = [_standing(*place, top) for place in places if place in asked]
    if not found and (asked.model is not None or places):
        where = asked.environment or "any environment"
        what = f"main of {remote.name} has no model {asked.model or 'at all'} in {where}."
        raise UsageError(what, f"It has {_listed(places)}.")
    return found


def _standing(environment: str, model: str, top: Path) -> Standing:
    home, faults = top / served.folder(environment, model), []
    record, settings = None, None
    try:
        record = Record.read(home / "release.yaml")
    except UsageError as error:
        faults.append(_told(error, top))
    try:
        settings = Canary.read(home / "canary.yaml")
    except UsageError as error:
        faults.append(_told(error, top))
    return Standing(environment, model, record, settings, faults=tuple(faults))


def _told(error: UsageError, top: Path) -> str:
    return error.what.replace(f"{top}/", "")


def _listed(places: Sequence[tuple[str, str]]) -> str:
    return ", ".join("/".join(place) for place in places) or "none"
