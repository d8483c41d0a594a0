"""Promoting: one commit on the remote's main that records a published release in an environment.

The commit has exactly two paths, release.yaml and the rendered folder, and stands on a branch of its own,
``promote/<environment>/<model>/<release>``, for a pull request; on a plain Git remote it may become main at once.
All that is read of the monorepo is read at the remote's main: what is checked out here plays no part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import GitFault, Remote, RemoteMoved
from slipway.errors import OWN_FAULT, SlipwayError
from slipway.release.record import Published, Record
from slipway.rendering import render, served
from slipway.rendering.served import ENVIRONMENTS, Served

MAIN = "main"
_ATTEMPTS = 4


class PromotionRefused(SlipwayError):
    """The release may not go to that environment yet."""

    exit_code = 1


@dataclass(frozen=True)
class Promotion:
    """What is asked for: a release by its whole digest, of a model, into an environment."""

    environment: str
    model: str
    release: str

    @property
    def branch(self) -> str:
        """The branch of the commit."""
        return f"promote/{self.environment}/{self.model}/{self.release[:12]}"


@dataclass(frozen=True)
class Promoted:
    """What came of it.

    Attributes:
        role: "champion" or "challenger" in the environment.
        image: the digest of the release's image.
        branch: of the remote that has the commit: main, if it was merged or there already.
        commit: the commit of that branch.
        already: whether the remote had it before.
    """

    environment: str
    model: str
    release: str
    image: str
    role: str
    branch: str
    commit: str
    already: bool


def promote(asked: Promotion, remote: Remote, image: Callable[[], str], merge: bool) -> Promoted:
    """Promote a release; doing so twice changes nothing.

    Args:
        asked: what to promote, and where to.
        remote: whose main is promoted on.
        image: finds the digest of the release's image in the registry.
        merge: whether the commit becomes the remote's main at once.

    Raises:
        UsageError: when there is no such environment, model or remote.
        PromotionRefused: when the environment before does not hold the release.
        NotInRegistry: when the release is not published.
        GitFault: when the remote is away, holds another repository, or moves all the time.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _attempt(asked, remote, image, merge)
        except RemoteMoved:
            continue
    return _attempt(asked, remote, image, merge)


def champion(asked: Promotion, remote: Remote) -> Published | None:
    """What runs in the environment by the remote's main; None where nothing published does.

    Raises:
        UsageError: when there is no such environment, model or remote.
        GitFault: when the remote is away or holds another repository.
    """
    with remote.worktree(_main(remote)) as top:
        held = served.read(asked.environment, asked.model, top).record.champion
    return held if held is not None and held.image is not None else None


def _attempt(asked: Promotion, remote: Remote, image: Callable[[], str], merge: bool) -> Promoted:
    main = _main(remote)
    with remote.worktree(main) as top:
        before = served.read(asked.environment, asked.model, top)
        published = Published(release=asked.release, image=image())
        check_order(asked, published, top)
        after = before.record.promoted(published)
        if after == before.record and not render.differences(asked.environment, asked.model, top):
            return _done(asked, after, MAIN, main, already=True)
        paths = (
            served.folder(asked.environment, asked.model) / "release.yaml",
            render.rendered(asked.environment, asked.model),
        )
        after.write(top / paths[0])
        render.write(asked.environment, asked.model, top)
        commit = remote.commit(top, paths, message(asked, before, after))
    check_paths(remote.difference(main, commit), paths)
    return _pushed(asked, remote, after, (main, commit), merge)


def _pushed(asked: Promotion, remote: Remote, after: Record, commits: tuple[str, str], merge: bool) -> Promoted:
    main, commit = commits
    held = remote.branch(asked.branch)
    # A branch that holds the very change is left as it is: a pull request may be open for it.
    already = held is not None and remote.parents(held) == [main] and not remote.difference(held, commit)
    if held is not None and already:
        commit = held
    if merge:
        gone: list[tuple[str | None, str, str | None]] = [(None, asked.branch, held)] if held is not None else []
        remote.push([(commit, MAIN, main), *gone])
        return _done(asked, after, MAIN, commit, already=False)
    if not already:
        remote.push([(commit, asked.branch, held)])
    return _done(asked, after, asked.branch, commit, already)


def _main(remote: Remote) -> str:
    main = remote.branch(MAIN)
    if main is None:
        raise GitFault(
            f"The remote {remote.name} has no branch {MAIN}.", f"Push yours: `git push {remote.name} {MAIN}`."
        )
    if not remote.related(main):
        raise GitFault(
            f"{MAIN} of the remote {remote.name} and your clone have no commit in common: it is another repository.",
            "Name the remote of this monorepo with --remote.",
        )
    return main


def check_order(asked: Promotion, published: Published, top: Path) -> None:
    """Refuse an environment before the one that comes before it holds the very same image.

    Raises:
        PromotionRefused: naming what that one holds.
    """
    place = ENVIRONMENTS.index(asked.environment)
    if place == 0:
        return
    earlier = ENVIRONMENTS[place - 1]
    if asked.model not in served.models(earlier, top):
        raise PromotionRefused(
            f"{earlier} has no model {asked.model}, and what was not there goes to {asked.environment} never.",
            f"Add {served.folder(earlier, asked.model)} first.",
        )
    held = served.read(earlier, asked.model, top).record.holds(asked.release)
    if held is None:
        raise PromotionRefused(
            f"{earlier} does not hold release {asked.release[:12]} of {asked.model}, so {asked.environment} may not.",
            f"Promote it there first: `slipway promote {asked.model} --to {earlier}`.",
        )
    if held.image != published.image:
        raise PromotionRefused(
            f"{earlier} holds release {asked.release[:12]} as {held.image}; its image is {published.image} now.",
            f"Promote the new image there first: `slipway promote {asked.model} --to {earlier}`.",
        )


def check_paths(changed: list[str], paths: tuple[Path, Path]) -> None:
    """Assert that a promotion changes nothing but its two paths: release.yaml and the rendered folder."""
    record, rendered = paths
    others = [name for name in changed if Path(name) != record and rendered not in Path(name).parents]
    if others:
        fault = SlipwayError(f"The promotion would change {', '.join(others)} too.", "Report this; nothing was pushed.")
        fault.exit_code = OWN_FAULT
        raise fault


def message(asked: Promotion, before: Served, after: Record) -> str:
    """The commit's message."""
    role, others = _role(asked, after), before.record.champion
    beside = f"Beside champion {others.release[:12]}." if others is not None and role == "challenger" else ""
    if others is not None and role == "champion" and others.release != asked.release:
        beside = f"In place of {others.release}, which has no image."
    image = next(it.image for it in (after.champion, after.challenger) if it and it.release == asked.release)
    return "\n".join(
        (
            f"Promote {asked.model} {asked.release[:12]} to {asked.environment} as {role}",
            "",
            *([beside, ""] if beside else []),
            f"Release: {asked.release}",
            f"Image: {before.settings.registry}/{served.repository(asked.model)}@{image}",
        )
    )


def _role(asked: Promotion, record: Record) -> str:
    return "challenger" if record.challenger is not None and record.challenger.release == asked.release else "champion"


def _done(asked: Promotion, record: Record, branch: str, commit: str, already: bool) -> Promoted:
    held = record.holds(asked.release)
    assert held is not None
    return Promoted(
        asked.environment, asked.model, asked.release, str(held.image), _role(asked, record), branch, commit, already
    )
