"""A decision becomes a commit of main: release.yaml and the rendered folder, and the reason in the message.

Whoever is killed here has pushed or not; nothing else counts. Two that act at once push with a lease, so one of them
comes second, finds that release.yaml is not what it looked at any more, and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from slipway.adapters.git import MAIN, Remote, RemoteMoved
from slipway.canary import history
from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Rollout
from slipway.errors import SlipwayError
from slipway.release.record import Record
from slipway.rendering import paths, render

_ATTEMPTS = 5
_LONGEST = 100


class RenderedElsewhere(SlipwayError):
    """The rendered folder is not what this version of Slipway makes: a commit would change more than it says."""


@dataclass(frozen=True)
class Done:
    """What came of acting.

    Attributes:
        commit: of main; None where main's record was not the one looked at any more, and nothing was done.
    """

    commit: str | None


def act(remote: Remote, rollout: Rollout, decided: Decision, now: datetime, may: Callable[[], bool]) -> Done:
    """Do what was decided, if main still says what was looked at.

    Args:
        remote: whose main gets the commit.
        rollout: that was looked at.
        decided: to advance, to promote or to roll back.
        now: when.
        may: asked right before each push; False for one who leads no more, and nothing is pushed.

    Raises:
        GitFault: when the remote is away, or moves all the time.
        RenderedElsewhere: when an advance or a promotion would change more than the weight.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        main = remote.main()
        if history.read_record(remote, main, rollout.environment, rollout.model) != rollout.record:
            return Done(None)
        commit = _commit(remote, main, rollout, decided, now)
        if not may():
            return Done(None)
        try:
            remote.push([(commit, MAIN, main)])
        except RemoteMoved:
            if attempt == _ATTEMPTS:
                raise
            continue
        return Done(commit)
    raise AssertionError("the last attempt returns or raises")


def _commit(remote: Remote, main: str, rollout: Rollout, decided: Decision, now: datetime) -> str:
    place = rollout.environment, rollout.model
    found = paths.of(*place)
    with remote.worktree(main) as top:
        # Whoever must go goes, even if another version of Slipway has rendered what goes with it.
        differing = render.differences(*place, top) if decided.action is not Action.ROLL_BACK else []
        if differing:
            raise RenderedElsewhere(
                f"{differing[0]} is not what this version of Slipway renders.",
                "Run `slipway render` and commit it, or deploy the canary loop of main's own version.",
            )
        after(rollout.record, decided, now).write(top / found[0])
        render.write(*place, top)
        commit = remote.commit(top, found, message(rollout, decided))
    paths.check(remote.difference(main, commit), found, "The roll-out's commit")
    return commit


def after(record: Record, decided: Decision, now: datetime) -> Record:
    """What release.yaml holds when it is done."""
    if decided.action is Action.ADVANCE:
        return record.advanced(decided.weight)
    if decided.action is Action.PROMOTE:
        return record.concluded()
    return record.rolled_back(sentence(decided.reason), now)


def message(rollout: Rollout, decided: Decision) -> str:
    """The commit's message: what, why, what was found, and the same for machines."""
    found = [f"- {finding.aspect}: {sentence(finding.said)}" for finding in decided.findings]
    parts = [_subject(rollout, decided), sentence(decided.reason), *(["\n".join(found)] if found else [])]
    lines = history.trailers(rollout, decided.action, decided.weight, decided.findings)
    return "\n\n".join((*parts, "\n".join(lines)))


def sentence(said: str) -> str:
    """With a capital and a full stop, on one line."""
    line = " ".join(said.split())
    return f"{line[:1].upper()}{line[1:]}" + ("" if line.endswith((".", "…", "!")) else ".")


def _subject(rollout: Rollout, decided: Decision) -> str:
    who, where = rollout.named, rollout.environment
    if decided.action is Action.ADVANCE:
        return f"Give {who} {decided.weight} % of the traffic in {where}"
    if decided.action is Action.PROMOTE:
        return f"Make {who} the champion in {where}"
    short = " ".join(decided.reason.split(": ")[0].split()).rstrip(".")
    return f"Roll back {who} in {where}: {short if len(short) <= _LONGEST else f'{short[: _LONGEST - 1]}…'}"
