"""From the single things that happened to the roll-outs that they make up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from slipway.canary.history import EDIT, WITHDRAW, Event

_OUTCOMES = {"promote": "became champion", "roll back": "rolled back", WITHDRAW: "withdrawn by people"}


@dataclass(frozen=True)
class Past:
    """One roll-out, from the promotion to its end.

    Attributes:
        release: its digest; empty where a release.yaml says nothing that can be understood.
        events: what happened to it, oldest first. Those before the newest hundred of a model are not known.
        outcome: "became champion", "rolled back", "withdrawn by people", "replaced by another", "under way",
            "champion at once" where nothing ran before, or "edited by hand".
    """

    release: str
    events: tuple[Event, ...]
    outcome: str

    @property
    def began(self) -> datetime:
        return self.events[0].at

    @property
    def last(self) -> Event:
        return self.events[-1]

    @property
    def good(self) -> bool | None:
        """Whether it ended well; None where neither is to be said."""
        return {"became champion": True, "champion at once": True, "rolled back": False}.get(self.outcome)


def seconds(past: Past, now: datetime) -> list[float | None]:
    """How long the release had the weight of each event; None of the last, after which it has none to keep."""
    ends = [event.at for event in past.events[1:]]
    lasting: list[float | None] = [
        (end - event.at).total_seconds() for event, end in zip(past.events, ends, strict=False)
    ]
    return [*lasting, (now - past.last.at).total_seconds() if past.outcome == "under way" else None]


def grouped(events: Iterable[Event]) -> tuple[Past, ...]:
    """The roll-outs that ``events``, newest first, are about; newest first, too."""
    found: list[Past] = []
    under_way: list[Event] = []
    for event in reversed(list(events)):
        if under_way and (event.action in ("begin", EDIT) or event.release != under_way[0].release):
            found.append(Past(under_way[0].release, tuple(under_way), "replaced by another"))
            under_way = []
        if event.action == EDIT:
            found.append(Past(event.release, (event,), "edited by hand"))
        elif event.action == "begin" and event.weight == 100:
            found.append(Past(event.release, (event,), "champion at once"))
        else:
            under_way.append(event)
            if event.action in _OUTCOMES:
                found.append(Past(event.release, tuple(under_way), _OUTCOMES[event.action]))
                under_way = []
    if under_way:
        found.append(Past(under_way[0].release, tuple(under_way), "under way"))
    return tuple(reversed(found))
