"""Promoting: one commit on the remote's main that records a published release in an environment.

The commit has exactly two paths, release.yaml and the rendered folder, and stands on a branch of its own,
``promote/<environment>/<model>/<release>``, for a pull request; on a plain Git remote it may become main at once.
All that is read of the monorepo is read at the remote's main: what is checked out here plays no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import GitFault, Remote, RemoteMoved
from slipway.errors import OWN_FAULT, SlipwayError
from slipway.promotion import order
from slipway.promotion.order import Promotion, Standing
from slipway.release.record import Published, Record
from slipway.rendering import render, served
from slipway.rendering.served import Served

MAIN = "main"
_ATTEMPTS = 4


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
        PromotionRefused: when the environment before has not completed the release, or one of them rejected it.
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
        order.check(asked, published, Standing(remote, main, top))
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


def check_paths(changed: list[str], paths: tuple[Path, Path]) -> None:
    """Assert that a promotion changes nothing but its two paths: release.yaml and the rendered folder."""
    record, rendered = paths
    others = [name for name in changed if Path(name) != record and rendered not in Path(name).parents]
    if others:
        fault = SlipwayError(f"The promotion would change {', '.join(others)} too.", "Report this; nothing was pushed.")
        fault.exit_code = OWN_FAULT
        raise fault


def message(asked: Promotion, before: Served, after: Record) -> str:
    """The commit's message; its trailers are what the history of roll-outs is read from."""
    held = after.holds(asked.release)
    assert held is not None
    beside = [*_beside(asked, before.record, after), ""]
    return "\n".join(
        (
            f"Promote {asked.model} {asked.release[:12]} to {asked.environment} as {_role(asked, after)}",
            "",
            *(beside if len(beside) > 1 else []),
            f"Slipway-Image: {before.settings.registry}/{served.repository(asked.model)}@{held.image}",
            *(_trailers(asked, after) if after != before.record else []),
        )
    )


def _beside(asked: Promotion, before: Record, after: Record) -> Iterator[str]:
    """What it runs beside, and what it takes the place of."""
    champion, challenger = before.champion, before.challenger
    if champion is not None and champion.release != asked.release:
        if _role(asked, after) == "challenger":
            yield f"Beside champion {champion.release[:12]}."
        else:
            yield f"In place of {champion.release}, which has no image."
    if challenger is not None and challenger.release != asked.release:
        yield f"In place of challenger {challenger.release[:12]}, whose roll-out was at {challenger.weight} %."


def _trailers(asked: Promotion, after: Record) -> list[str]:
    weight = after.challenger.weight if after.challenger is not None and _role(asked, after) == "challenger" else 100
    return [
        f"Slipway-Rollout: {asked.environment}/{asked.model}",
        "Slipway-Action: begin",
        f"Slipway-Release: {asked.release}",
        f"Slipway-Weight: {weight}",
    ]


def _role(asked: Promotion, record: Record) -> str:
    return "challenger" if record.challenger is not None and record.challenger.release == asked.release else "champion"


def _done(asked: Promotion, record: Record, branch: str, commit: str, already: bool) -> Promoted:
    held = record.holds(asked.release)
    assert held is not None
    return Promoted(
        asked.environment, asked.model, asked.release, str(held.image), _role(asked, record), branch, commit, already
    )
