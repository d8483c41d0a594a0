"""What people are told after a rollback: an issue of the forge, and a note of Git beside the commit that promoted it.

A note is made for each rollback that has none yet, whoever committed it: one who is killed between commit and note
leaves the note to whoever looks next. Read it with ``git fetch platform refs/notes/rollouts:refs/notes/rollouts`` and
``git log --notes=rollouts``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from slipway.adapters.forge import Forge
from slipway.adapters.git import Remote, RemoteMoved
from slipway.canary import history
from slipway.canary.act import sentence
from slipway.canary.decision import Action
from slipway.canary.history import Event
from slipway.errors import SlipwayError

NOTES = "refs/notes/rollouts"
_log = logging.getLogger("slipway.canary")
# What lies further back has its note, or its people.
_EVENTS = 20


def tell(remote: Remote, main: str, notes: str | None, places: Sequence[tuple[str, str]], forge: Forge) -> int:
    """Make the notes that are missing; how many were made.

    Args:
        remote: that has main and the notes.
        main: the commit to read.
        notes: the remote's commit of NOTES, fetched; None if it has none yet.
        places: environments and models.
        forge: where issues are opened. If it cannot be asked, the note alone must do.

    Raises:
        GitFault: when the remote is away.
    """
    made = 0
    for environment, model in places:
        events = history.events(remote, main, environment, model, _EVENTS)
        for place, event in enumerate(events):
            if event.action != Action.ROLL_BACK:
                continue
            beside = _promotion(event, events[place + 1 :])
            if event.commit in remote.note(notes, beside):
                continue
            issue = _open(forge, event)
            try:
                remote.add_note(NOTES, notes, beside, text(event, issue))
            except RemoteMoved:
                return made  # Somebody else tells people just now; the next look sees what is still missing.
            made += 1
            notes = remote.refs(NOTES)[0]
    return made


def _open(forge: Forge, event: Event) -> str | None:
    """The URL of the rollback's issue; None where there is none, or none can be had."""
    try:
        return forge.open_issue(_title(event), text(event))
    except SlipwayError as error:
        _log.warning("no issue could be opened: %s", error.what)
        return None


def text(event: Event, issue: str | None = None) -> str:
    """What people read."""
    found = [f"- {each.aspect}: {sentence(each.said)}" for each in event.evidence]
    lines = [
        _title(event),
        "",
        event.reason,
        "",
        *found,
        *([""] if found else []),
        f"Rolled back on {event.at:%Y-%m-%d at %H:%M:%S} UTC by {event.who}, in commit {event.commit}.",
        f"Release {event.release} in image {event.image} is on the list of the rejected:",
        f"it cannot be promoted to {event.environment} again until somebody takes it off. In another image it can be,",
        "from 0 %.",
        *([f"Issue: {issue}"] if issue is not None else []),
    ]
    return "\n".join(lines)


def _title(event: Event) -> str:
    return f"{event.model} {event.release[:12]} was rolled back in {event.environment}"


def _promotion(event: Event, earlier: Sequence[Event]) -> str:
    """The commit that began the roll-out; the rollback's own where that is too long ago."""
    begun = (each.commit for each in earlier if each.of == event.of and each.action == "begin")
    return next(begun, event.commit)
