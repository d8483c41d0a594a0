"""The loop: every roll-out of every environment is looked at, decided about and acted on, again and again.

It remembers nothing that counts: a loop that begins anew reads main, looks, and comes to the same. One roll-out's fault
is reported and stops no other's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from slipway.adapters.forge import Forge, PlainGit
from slipway.adapters.git import MAIN, GitFault, Remote
from slipway.adapters.kube import KubeFault
from slipway.canary import history, notes
from slipway.canary.act import act
from slipway.canary.decision import Action, Decision, decide
from slipway.canary.figures import Figures, Place
from slipway.canary.history import Chosen
from slipway.canary.leader import Candidate
from slipway.canary.look import Lookout
from slipway.canary.notes import NOTES
from slipway.canary.observation import Rollout
from slipway.errors import SlipwayError, UsageError
from slipway.rendering.canary import Canary

_log = logging.getLogger("slipway.canary")
# What changes nothing is said so often at most.
_REPEAT_SECONDS = 60.0


class Source(Protocol):
    """Where main is read, and commits are made."""

    def remote(self) -> Remote:
        """The remote, by a clone that is there."""

    def tips(self, *names: str) -> list[str | None]:
        """The commits of the remote's refs, fetched; None for one that the remote has not."""


@dataclass(frozen=True)
class UserClone:
    """A user's clone and one of its remotes."""

    used: Remote

    def remote(self) -> Remote:
        """That one."""
        return self.used

    def tips(self, *names: str) -> list[str | None]:
        """The commits of its refs."""
        self.used.check()
        return self.used.refs(*names)


@dataclass(frozen=True)
class Outcome:
    """What came of one roll-out.

    Attributes:
        release, image: the challenger's; empty where they cannot be read.
        decision: None where none could be made.
        commit: that acted on it; None where there was nothing to do, or main had moved on.
        fault: what kept from deciding or acting.
    """

    environment: str
    model: str
    release: str
    image: str
    decision: Decision | None
    commit: str | None
    fault: SlipwayError | None

    @property
    def place(self) -> Place:
        return self.environment, self.model


@dataclass(frozen=True)
class _Read:
    """What main says of one place: a roll-out with its settings, or why not."""

    rollout: Rollout | None
    settings: Canary | None
    fault: SlipwayError | None = None


@dataclass
class Loop:
    """One who looks, decides and acts.

    Attributes:
        source: where main is.
        lookout: who is asked.
        figures: where it is told.
        may: whether it may act at this moment.
        forge: where issues are opened.
        chosen: which places to look at.
        clock: the time.
    """

    source: Source
    lookout: Lookout
    figures: Figures
    may: Callable[[], bool] = lambda: True
    forge: Forge = field(default_factory=PlainGit)
    chosen: Chosen = field(default_factory=Chosen)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _main: str = field(default="", init=False)
    _board: dict[Place, _Read] = field(default_factory=dict, init=False)
    _told: tuple[str, str | None] | None = field(default=None, init=False)
    _said: dict[Place, tuple[str, float]] = field(default_factory=dict, init=False)

    def cycle(self) -> list[Outcome]:
        """Look once at everything.

        Raises:
            GitFault: when main cannot be had.
        """
        main, noted = self.source.tips(f"refs/heads/{MAIN}", NOTES)
        if main is None:
            raise GitFault(f"The remote has no branch {MAIN}.", "Push yours: `git push platform main`.")
        if main != self._main:
            self._board = self._read(main)
            self._main = main
        outcomes = [self._one(place, read) for place, read in self._board.items() if read.rollout or read.fault]
        places = [place for place, read in self._board.items() if read.rollout]
        self.figures.under_way(places, [outcome.place for outcome in outcomes if outcome.fault is not None])
        self.lookout.sight.forget(places)
        self._tell(main, noted)
        return outcomes

    def _read(self, main: str) -> dict[Place, _Read]:
        remote = self.source.remote()
        places = [place for place in history.places(remote, main) if place in self.chosen]
        self.figures.exist({place: _thresholds(remote, main, place) for place in places})
        return {place: _reading(remote, main, place) for place in places}

    def _one(self, place: Place, read: _Read) -> Outcome:
        self.figures.breathe()
        of = read.rollout.of if read.rollout is not None else ("", "")
        decided = commit = None
        fault = read.fault
        try:
            if read.rollout is not None and read.settings is not None:
                decided = self._decide(read.rollout, read.settings)
                commit = self._act(read.rollout, decided)
        except SlipwayError as error:
            fault = error
        except Exception as error:
            _log.exception("Slipway itself is at fault", extra=_labels(place))
            fault = SlipwayError(f"{type(error).__name__}: {error}", "Report this, with the traceback in the log.")
        if fault is not None:
            self.figures.faults.labels("/".join(place)).inc()
        outcome = Outcome(*place, *of, decided, commit, fault)
        self._say(outcome)
        return outcome

    def _decide(self, rollout: Rollout, settings: Canary) -> Decision:
        now, shadow = self.clock(), None
        try:
            seen = self.lookout.look(rollout, settings, now)
            decided, shadow = decide(rollout, settings, seen), seen.shadow
        except KubeFault as error:
            decided = Decision(Action.HOLD, rollout.challenger.weight, error.what, ())
        self.figures.decided(rollout, decided, now.timestamp(), shadow)
        return decided

    def _act(self, rollout: Rollout, decided: Decision) -> str | None:
        if decided.action in (Action.WAIT, Action.HOLD) or not self.may():
            return None
        return act(self.source.remote(), rollout, decided, self.clock(), self.may).commit

    def _tell(self, main: str, noted: str | None) -> None:
        """Make the notes that are missing, if anything has changed since none was."""
        if self._told == (main, noted) or not self.may():
            return
        try:
            made = notes.tell(self.source.remote(), main, noted, list(self._board), self.forge)
        except Exception as error:
            # Whatever a forge or a remote does, it holds up no roll-out.
            _log.warning("a rollback's note is missing still: %s", error)
            self.figures.faults.labels("notes").inc()
            return
        if made == 0:
            self._told = main, noted
        else:
            _log.info("made %d notes of rollbacks", made)

    def _say(self, outcome: Outcome) -> None:
        """One line in the log; what was said already and led to nothing is said again after a while only."""
        place, decided = outcome.place, outcome.decision
        what = outcome.fault.what if outcome.fault is not None else str(decided.action if decided is not None else "")
        now = self.clock().timestamp()
        before, at = self._said.get(place, ("", 0.0))
        if what == before and outcome.commit is None and now - at < _REPEAT_SECONDS:
            return
        self._said[place] = what, now
        facts = _labels(place) | {"release": outcome.release, "image": outcome.image}
        if decided is not None:
            facts |= {"action": str(decided.action), "weight": str(decided.weight), "reason": decided.reason}
            facts |= {f"e_{finding.aspect}": f"{finding.e_value:.4g}" for finding in decided.findings}
        if outcome.commit is not None:
            facts["commit"] = outcome.commit
        if outcome.fault is not None:
            _log.error("%s %s", outcome.fault.what, outcome.fault.remedy, extra=facts)
        elif decided is not None:
            _log.info("%s: %s", decided.action, decided.reason, extra=facts)


def run(loop: Loop, candidate: Candidate, seconds: float, stopped: threading.Event) -> None:
    """Look every so many seconds, as long as ``candidate`` leads, until ``stopped``."""
    while not stopped.is_set():
        loop.figures.breathe()
        leads = candidate.leads()
        loop.figures.leader.set(float(leads))
        if leads:
            try:
                loop.cycle()
            except SlipwayError as error:
                loop.figures.faults.labels("main").inc()
                _log.error("%s %s", error.what, error.remedy)
            except Exception:
                loop.figures.faults.labels("main").inc()
                _log.exception("Slipway itself is at fault")
        else:
            loop.figures.under_way((), ())
        stopped.wait(seconds)


def _reading(remote: Remote, main: str, place: Place) -> _Read:
    try:
        rollout = history.rollout(remote, main, *place)
        settings = history.read_settings(remote, main, *place) if rollout is not None else None
    except SlipwayError as error:
        return _Read(None, None, error)
    return _Read(rollout, settings)


def _thresholds(remote: Remote, main: str, place: Place) -> dict[str, float]:
    """Of the model's alerts, as its settings.yaml has them; none where that cannot be read."""
    try:
        return dict(history.read_served(remote, main, *place).alerts.model_dump())
    except UsageError:
        return {}


def _labels(place: Place) -> dict[str, str]:
    return {"environment": place[0], "model": place[1]}
