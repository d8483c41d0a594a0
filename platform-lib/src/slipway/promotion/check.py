"""Is what a pull request changes of the releases that run right? Every rule is asked, none can be switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from slipway.adapters.git import Remote
from slipway.promotion.platform import Platform
from slipway.promotion.rules import RENDERED, RULES, Broken, Case, NotJudged, Rule
from slipway.promotion.subject import Subject, difference


class Verdict(StrEnum):
    """The outcome of a rule."""

    GREEN = "green"
    RED = "RED"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Ruling:
    """What a rule says of one model in one environment: a sentence, and the remedy if it is red."""

    rule: str
    verdict: Verdict
    said: str
    remedy: str = ""


@dataclass(frozen=True)
class Judged:
    """One model in one environment, and what every rule says of it.

    Attributes:
        promotes: the releases, by their digests, that the pull request promotes; none where it only renders anew, or
            takes something back.
    """

    environment: str
    model: str
    promotes: tuple[str, ...]
    rulings: tuple[Ruling, ...]


@dataclass(frozen=True)
class Report:
    """Of a whole pull request.

    Attributes:
        base, head: its commits.
        changed: how many paths it changes.
        judged: what it changes of releases; none where it does not.
    """

    base: str
    head: str
    changed: int
    judged: tuple[Judged, ...]

    @property
    def red(self) -> list[Ruling]:
        """The rules that are broken."""
        return [it for judged in self.judged for it in judged.rulings if it.verdict is Verdict.RED]


def check(clone: Remote, base: str, head: str, platform: Callable[[], Platform], now: datetime) -> Report:
    """Hold a pull request against every rule.

    Args:
        clone: that has both commits.
        base: main, or what the clone calls it.
        head: the pull request's newest commit.
        platform: where the registry is; asked only when a release is promoted.
        now: the time to judge by.

    Raises:
        UsageError: when the clone has no such commits.
        GitFault, RegistryFault, EnvironmentFault: when something that must be asked does not answer.
    """
    with difference(clone, base, head) as found:
        judged = tuple(_judged(subject, cache(platform), now) for subject in found.subjects())
        return Report(found.main.commit, found.head.commit, len(found.changed), judged)


def _judged(subject: Subject, platform: Callable[[], Platform], now: datetime) -> Judged:
    case = Case(subject, platform, now)
    rules = RULES if subject.is_release else RENDERED
    rulings = tuple(_ruling(name, rule, case) for name, rule in rules.items())
    return Judged(subject.environment, subject.model, _promotes(case) if subject.is_release else (), rulings)


def _ruling(name: str, rule: Rule, case: Case) -> Ruling:
    try:
        return Ruling(name, Verdict.GREEN, rule(case))
    except Broken as error:
        return Ruling(name, Verdict.RED, error.what, error.remedy)
    except NotJudged as error:
        return Ruling(name, Verdict.NOT_JUDGED, error.what, error.remedy)


def _promotes(case: Case) -> tuple[str, ...]:
    try:
        return tuple(it.release for it in case.new)
    except NotJudged:
        return ()
