"""From the single things that happened to the roll-outs that they make up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.canary.history import EDIT, WITHDRAW, Event
from slipway.release.record import Challenger

_OUTCOMES = {"promote": "became champion", "roll back": "rolled back", WITHDRAW: "withdrawn by people"}


@dataclass(frozen=True)
class Past:
    """One roll-out, from the promotion to its end.

    Attributes:
        release, image: their digests; empty where a release.yaml says nothing that can be understood. ``image`` also is
            where the release was never published.
        events: what happened to it, oldest first. Those before the newest hundred of a model are not known.
        outcome: "became champion", "rolled back", "withdrawn by people", "replaced by another", "under way",
            "champion at once" where nothing ran before, or "edited by hand".
    """

    release: str
    image: str
    events: tuple[Event, ...]
    outcome: str

    @property
    def of(self) -> tuple[str, str]:
        """What it was of: the release in its image."""
        return self.release, self.image

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
    """How long it had the weight of each event; None of the last, after which it has none to keep."""
    ends = [event.at for event in past.events[1:]]
    lasting: list[float | None] = [
        (end - event.at).total_seconds() for event, end in zip(past.events, ends, strict=False)
    ]
    return [*lasting, (now - past.last.at).total_seconds() if past.outcome == "under way" else None]


def grouped(events: Iterable[Event], challenger: Challenger | None) -> tuple[Past, ...]:
    """The roll-outs that ``events``, newest first, are about; newest first, too.

    Args:
        events: as :func:`slipway.canary.history.events` gives them.
        challenger: what is on its way now; None for none.
    """
    found: list[Past] = []
    under_way: list[Event] = []

    def close(outcome: str) -> None:
        if under_way:
            found.append(Past(*under_way[0].of, tuple(under_way), outcome))
            under_way.clear()

    for event in reversed(list(events)):
        if under_way and (event.action in ("begin", EDIT) or event.of != under_way[0].of):
            close(_unended(under_way))
        under_way.append(event)
        if event.action == EDIT:
            close("edited by hand")
        elif event.action in _OUTCOMES:
            close(_OUTCOMES[event.action])
    if under_way:
        now = (challenger.release, challenger.image) if challenger is not None else None
        close("under way" if under_way[0].of == now else _unended(under_way))
    return tuple(reversed(found))


def _unended(events: Sequence[Event]) -> str:
    """What became of a release about which no more is said. All of the traffic at once: nothing else ran there."""
    (first, *later) = events
    return "champion at once" if first.weight == 100 and not later else "replaced by another"
