"""The rules that a pull request is held against where it changes what runs, each by its name.

A rule returns a sentence where it holds, and raises :class:`Broken` where it does not. One that has nothing to judge,
because another is broken, raises :class:`NotJudged`; that is no green, for the other one is red. What keeps anything
from being judged, as a registry that is away, is raised as it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import ParamSpec

from slipway.adapters.registry import NotInRegistry, Registry, RegistryFault
from slipway.errors import SlipwayError, UsageError
from slipway.files import UNREADABLE
from slipway.promotion import difference, freeze, manifests, order
from slipway.promotion.candidate import examined
from slipway.promotion.fetch import bring
from slipway.promotion.order import PromotionRefused
from slipway.promotion.platform import Platform
from slipway.promotion.subject import Subject
from slipway.release.record import Challenger, Published, Record
from slipway.rendering import render
from slipway.rendering.paths import others
from slipway.rendering.served import KEYS, repository

SIGNERS = KEYS / "allowed_signers"
P = ParamSpec("P")
_NOTHING_NEW = "Nothing new is promoted."


class Broken(SlipwayError):
    """A rule is broken."""

    exit_code = 1


class NotJudged(SlipwayError):
    """A rule has nothing to judge."""


@dataclass(frozen=True)
class Case:
    """A subject, and by what it is judged.

    Attributes:
        platform: where the registry is; asked only when there is something to look for in it.
        now: the time to judge by.
    """

    subject: Subject
    platform: Callable[[], Platform]
    now: datetime

    @cached_property
    def new(self) -> list[Published]:
        """What is promoted.

        Raises:
            NotJudged: when release.yaml says nothing that can be understood.
        """
        try:
            return self.subject.new
        except UsageError as error:
            raise NotJudged("release.yaml says nothing that can be judged.") from error

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.platform().push_url)

    @cached_property
    def objects(self) -> difference.Objects:
        """What is rendered, as it is committed; see :func:`slipway.promotion.difference.objects`."""
        return difference.objects(render.held(self.subject.difference.head.top / self.subject.paths[1]))


def record(case: Case) -> str:
    """release.yaml is what it must be: typed, complete, one champion, at most one challenger."""
    try:
        held = case.subject.after
    except UsageError as error:
        # The head is read out of a scratch folder, which says nothing to who made the pull request.
        raise Broken(error.what.replace(f"{case.subject.difference.head.top}/", ""), error.remedy) from error
    both = [
        f"{role} {it.release[:12]}" for role, it in (("champion", held.champion), ("challenger", held.challenger)) if it
    ]
    return f"It holds {' and '.join(both) or 'nothing'}."


def paths(case: Case) -> str:
    """A promotion changes release.yaml and its rendered folder, and no third path."""
    found = others(case.subject.difference.changed, case.subject.paths)
    if found:
        raise Broken(
            f"{', '.join(found[:5])}{f' and {len(found) - 5} more' if len(found) > 5 else ''} would be changed too.",
            "Put what is not the promotion into a pull request of its own.",
        )
    return "release.yaml and the rendered folder, and nothing else."


def current(case: Case) -> str:
    """Main has not changed the same paths since the pull request began."""
    subject = case.subject
    moved = subject.difference.main.remote.difference(subject.difference.fork, subject.difference.main.commit)
    same = sorted(set(moved) - set(others(moved, subject.paths)))
    if same:
        raise Broken(
            f"Main has changed {', '.join(same[:3])} since {subject.difference.fork[:12]}.",
            f"Promote again: `slipway promote {subject.model} --to {subject.environment}` begins from main as it is.",
        )
    return "Main has not changed them meanwhile."


def begin(case: Case) -> str:
    """A challenger begins at 0 %; only the canary loop moves weights and makes a challenger the champion."""
    if case.new and case.subject.is_taken_back:
        return "Champion and challenger are as main had them before."
    before, after = case.subject.before, case.subject.after
    was = before.challenger if before is not None else None
    runs = before.champion if before is not None and before.champion is not None and before.champion.image else None
    if runs is not None and not runs.is_same(after.champion):
        raise Broken(
            f"Champion {runs.release[:12]} in image {runs.image} would be replaced without a roll-out.",
            "Promote it: `slipway promote` makes it the challenger, another image of the same release, too;"
            " `git revert` goes back to an earlier champion.",
        )
    return _begins(was, after) or ("No weight is moved." if runs else "The first champion has all of the traffic.")


def _begins(was: Challenger | None, after: Record) -> str:
    now = after.challenger
    if now is None:
        return ""
    expected = was.weight if was is not None and now.is_same(was) else 0
    if now.weight != expected:
        raise Broken(
            f"Challenger {now.release[:12]} would have {now.weight} % of the traffic, and not {expected}.",
            "Leave weights to the canary loop: it begins at 0 and moves them on evidence.",
        )
    return f"Challenger {now.release[:12]} has {expected} % of the traffic."


def published(case: Case) -> str:
    """The image that each digest names is in the registry, and so is the release in it."""
    for it in case.new:
        if case.registry.find(repository(case.subject.model), str(it.image)) is None:
            raise Broken(
                f"The registry has no {repository(case.subject.model)}@{it.image}.",
                f"Publish it: `slipway publish {case.subject.model} {it.release[:12]}`, then promote again.",
            )
    return f"The registry has {', '.join(str(it.image)[:19] for it in case.new)}." if case.new else _NOTHING_NEW


def evidence(case: Case) -> str:
    """The release in the image verifies: its files, its verdicts, and what is signed of it by the key ring of main."""
    said = []
    for it in case.new:
        with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
            try:
                folder = bring(case.registry, case.subject.model, it, Path(scratch))
                found = examined(folder, case.subject.model, case.subject.difference.main.top / KEYS)
            except RegistryFault:
                raise
            except NotInRegistry as error:
                raise NotJudged("The registry does not have it.") from error
            except SlipwayError as error:
                raise Broken(error.what, error.remedy) from error
        signed = "signed by the key ring" if found.verdict is not None else "the key ring is empty: nobody is asked"
        said.append(f"{it.release[:12]} verifies with {len(found.gates)} green gates, {signed}.")
    return " ".join(said) or _NOTHING_NEW


def completed(case: Case) -> str:
    """The environment before completed the roll-out of the very same image."""
    subject = case.subject
    said = [_passed(order.check_completed, subject.asked(it), it, subject.difference.main) for it in case.new]
    return " ".join(said) or _NOTHING_NEW


def rejected(case: Case) -> str:
    """No release comes back in an image that a roll-out rejected, here or in an environment before."""
    said = [_passed(order.check_rejected, case.subject.asked(it), it, case.subject.difference.main) for it in case.new]
    before = case.subject.before.rejected if case.subject.before is not None else ()
    if case.new and case.subject.after.rejected != before:
        raise Broken(
            "The list of the rejected would be another one.",
            "Leave it as main has it; whoever takes an entry off does so by a pull request that promotes nothing.",
        )
    return " ".join(said) or _NOTHING_NEW


def frozen(case: Case) -> str:
    """Nothing is promoted into an environment that is frozen, by freeze.yaml of main."""
    if not case.new:
        return _NOTHING_NEW
    if case.subject.is_taken_back:
        return "What is taken back is never frozen."
    _passed(freeze.check, case.subject.environment, case.now, case.subject.difference.main.top)
    return f"{case.subject.environment} is not frozen."


def signed(case: Case) -> str:
    """Each commit is signed by a signer that main allows, where main has a list of them."""
    difference = case.subject.difference
    signers = difference.main.top / SIGNERS
    if not signers.is_file():
        return f"Main has no {SIGNERS}: no signature is asked for."
    for commit in difference.commits:
        wrong = difference.main.remote.signature(commit, signers)
        if wrong is not None:
            raise Broken(
                f"Commit {commit[:12]} is signed by nobody in main's {SIGNERS}: {wrong}.",
                "Sign it with an SSH key that is in it (`git config gpg.format ssh`, user.signingKey, commit.gpgSign),"
                " and promote again.",
            )
    return f"{len(difference.commits)} of {len(difference.commits)} commits are signed by an allowed signer."


def plain(case: Case) -> str:
    """What is read of release.yaml, its neighbours and the rendered folder is theirs: no link leads elsewhere."""
    subject = case.subject
    head = subject.difference.head
    folders = (subject.paths[0].parent, subject.paths[1])
    found = [name for folder in folders for name in head.remote.links(head.commit, folder)]
    if found:
        raise Broken(
            f"{', '.join(found[:3])} would be a link or a submodule.",
            "Commit a plain file: what a link leads to changes without being judged.",
        )
    return "They are plain files."


def rendered(case: Case) -> str:
    """The rendered folder is what `slipway render` makes of the environment's files."""
    subject = case.subject
    if subject.is_release:
        _ = case.new  # release.yaml itself is red where it says nothing
    try:
        found = render.differences(subject.environment, subject.model, subject.difference.head.top)
    except UsageError as error:
        raise Broken(f"Nothing can be rendered: {error.what}", error.remedy) from error
    if found:
        raise Broken(f"{', '.join(found)} is not what would be rendered.", "Run `slipway render` and commit it.")
    return "It is what would be rendered."


def _manifests(case: Case, name: str) -> str:
    """A rule of :mod:`slipway.promotion.manifests`, on the rendered folder as it is committed."""
    try:
        objects = case.objects
        complaints = list(manifests.RULES[name](objects))
    except (*UNREADABLE, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise Broken(
            f"The rendered manifests cannot be read: {reason}.", "Run `slipway render` and commit it."
        ) from error
    if complaints:
        raise Broken(f"{'; '.join(complaints)}.", "Run `slipway render`, whose manifests keep this rule.")
    count = sum(1 for _ in manifests.containers(objects))
    return f"{len(objects)} manifests, {count} containers." if objects else "Nothing is rendered."


def _passed(check: Callable[P, str | None], *arguments: P.args, **named: P.kwargs) -> str:
    try:
        return check(*arguments, **named) or ""
    except (PromotionRefused, UsageError) as error:
        raise Broken(error.what, error.remedy) from error


Rule = Callable[[Case], str]
# Of whatever is rendered, too, where nothing is promoted.
RENDERED: dict[str, Rule] = {
    "plain": plain,
    "rendered": rendered,
    **{name: partial(_manifests, name=name) for name in manifests.RULES},
}
RULES: dict[str, Rule] = {
    "record": record,
    "paths": paths,
    "current": current,
    "begin": begin,
    "published": published,
    "evidence": evidence,
    "completed": completed,
    "rejected": rejected,
    "frozen": frozen,
    "signed": signed,
    **RENDERED,
}
