"""The same look again and again, until the roll-outs that were seen on the way are over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from slipway.adapters.git import GitFault, Remote, unlocked
from slipway.canary.history import Chosen
from slipway.errors import SlipwayError
from slipway.status import repository
from slipway.status.outlook import Outlook
from slipway.status.rollouts import Past
from slipway.status.standing import Standing, Status, Unasked

GIT = "Git"
EVERY_SECONDS = 2.0


class RolledBack(SlipwayError):
    """A roll-out that was watched did not end with its release as the champion."""

    exit_code = 1


@dataclass
class Looker:
    """Looks at a remote's main and at the platform; Git's history is read again when main has moved.

    Attributes:
        name: of the remote, for people.
    """

    remote: Remote
    chosen: Chosen
    outlook: Outlook
    name: str
    _commit: str = ""
    _standings: tuple[Standing, ...] = ()

    def look(self, now: datetime) -> Status:
        """How everything stands at ``now``.

        Raises:
            UsageError: when there is no such environment, model or remote.
            GitFault: when the remote is away.
        """
        commit = self.remote.main()
        if commit != self._commit:
            self._standings, self._commit = repository.read(self.remote, commit, self.chosen), commit
        standings, unasked = self.outlook.look(self._standings, now)
        return Status(unlocked(self.name), commit, standings, unasked)

    def again(self, before: Status, now: datetime) -> Status:
        """The same; what was known ``before`` where the remote is away now."""
        try:
            return self.look(now)
        except GitFault as error:
            others = tuple(each for each in before.unasked if each.who != GIT)
            return replace(before, unasked=(Unasked(GIT, error.what), *others))


@dataclass
class Watched:
    """The roll-outs that were seen under way, by place, release and image, and how those ended that are over."""

    under_way: set[tuple[str, tuple[str, str]]] = field(default_factory=set)
    ended: list[tuple[str, Past | None]] = field(default_factory=list)

    def note(self, status: Status) -> bool:
        """Take a status; whether all that were seen are over, and there was one."""
        for standing in status.standings:
            now = standing.rollout.of if standing.rollout is not None else None
            for place, of in sorted(self.under_way):
                if place == standing.place and of != now:
                    self.under_way.remove((place, of))
                    past = next((each for each in standing.past if each.of == of), None)
                    self.ended.append((place, past))
            if now:
                self.under_way.add((standing.place, now))
        return bool(self.ended) and not self.under_way

    def judge(self) -> None:
        """Say it if one did not end well.

        Raises:
            RolledBack: naming each such release, with the reason.
        """
        lost = [(place, past) for place, past in self.ended if past is None or not past.good]
        if lost:
            raise RolledBack(
                " ".join(_told(place, past) for place, past in lost),
                "`git log` of the platform's main has the evidence; so has the page of --html.",
            )


def statuses(
    looker: Looker,
    watched: Watched,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Status]:
    """A status every EVERY_SECONDS, until the roll-outs that were seen are over.

    Raises:
        UsageError: at once, when there is no such environment, model or remote.
        GitFault: at once, when the remote is away; one that goes away later is waited for.
    """
    status = looker.look(clock())
    while True:
        over = watched.note(status)
        yield status
        if over:
            return
        sleep(EVERY_SECONDS)
        status = looker.again(status, clock())


def _told(place: str, past: Past | None) -> str:
    if past is None:
        return f"{place}: the challenger is gone, and Git does not say why."
    return f"{place}: {past.release[:12]} was {past.outcome}: {past.last.reason}"
