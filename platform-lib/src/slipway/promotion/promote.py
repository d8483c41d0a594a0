"""Promoting: one commit on the remote's main that records a published release in an environment.

The commit has exactly two paths, release.yaml and the rendered folder, and stands on a branch of its own,
``promote/<environment>/<model>/<release>``, for a pull request; it may become main at once. All that is read of the
monorepo is read at the remote's main: what is checked out here plays no part.

In this order, so that whatever fails leaves nothing half-promoted and the same command, run again, goes on from there:

1. The forge is asked whether pull requests can be written.
2. One atomic push: the branch, the pictures, and the ref that says which promotion of this model into this environment
   is the newest. Of two promotions at once, one finds that ref moved and begins again, and then sees the other.
3. The pull request; where the forge refuses it, the branch is taken back.
4. Promotions that this one supersedes: each pull request is closed with a comment that names the new one, and its
   branch is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.adapters.forge import Forge
from slipway.adapters.git import MAIN, GitFault, Remote, RemoteMoved
from slipway.adapters.github import PullRequest
from slipway.errors import SlipwayError
from slipway.promotion import freeze, message, order
from slipway.promotion.change import Change, Described
from slipway.promotion.order import Promotion, PromotionRefused, Standing
from slipway.release.record import Published
from slipway.rendering import paths, render, served

# What becomes of a ref: its commit, its whole name, and the commit that it has before; None for no such ref.
Update = tuple[str | None, str, str | None]
_ATTEMPTS = 6


@dataclass(frozen=True)
class Means:
    """By what a promotion is made.

    Attributes:
        remote: whose main is promoted on.
        forge: of that remote.
        image: finds the digest of the release's image in the registry.
        describe: says what a reviewer must know of a change, with pictures.
    """

    remote: Remote
    forge: Forge
    image: Callable[[], str]
    describe: Callable[[Change], Described]


@dataclass(frozen=True)
class Promoted:
    """What came of it.

    Attributes:
        role: "champion" or "challenger" in the environment.
        image: the digest of the release's image.
        branch: of the remote that has the commit: main, if it was merged or there already.
        commit: the commit of that branch.
        already: whether the remote had it before.
        body: what the pull request says, or would say where there is none; empty for what main had before.
        url: the page of the pull request; None without one.
        superseded: the branches of promotions that were closed for this one.
    """

    environment: str
    model: str
    release: str
    image: str
    role: str
    branch: str
    commit: str
    already: bool
    body: str = ""
    url: str | None = None
    superseded: tuple[str, ...] = ()


def promote(asked: Promotion, means: Means, merge: bool) -> Promoted:
    """Promote a release; doing so twice changes nothing.

    Args:
        asked: what to promote, and where to.
        means: see :class:`Means`.
        merge: whether the commit becomes the remote's main at once.

    Raises:
        UsageError: when there is no such environment, model or remote.
        PromotionRefused: when the environment before has not completed the release, or one of them rejected it; and
            when it would be merged into an environment that is frozen.
        NotInRegistry: when the release is not published.
        GitFault: when the remote is away, holds another repository, or moves all the time.
        ForgeFault: when the forge is away or refuses.
    """
    means.forge.check()
    for _ in range(_ATTEMPTS - 1):
        try:
            return _attempt(asked, means, merge)
        except RemoteMoved:
            continue
    return _attempt(asked, means, merge)


def champion(asked: Promotion, remote: Remote) -> Published | None:
    """What runs in the environment by the remote's main; None where nothing published does.

    Raises:
        UsageError: when there is no such environment, model or remote.
        GitFault: when the remote is away or holds another repository.
    """
    with remote.worktree(_main(remote)) as top:
        held = served.read(asked.environment, asked.model, top).record.champion
    return held if held is not None and held.image is not None else None


def known(asked: Promotion, remote: Remote) -> bool:
    """Whether the environment holds the release by the remote's main, or held or rejected it before, in any image.

    Raises:
        UsageError: when there is no such remote.
        GitFault: when the remote is away or holds another repository.
    """
    return Standing(remote, _main(remote), remote.top).knows(asked)


@dataclass(frozen=True)
class _Prepared:
    """A commit that may be pushed, and the state of the remote that it was made for.

    Attributes:
        main: the remote's main, on which it stands.
        open: the open promotions of the model into the environment: branch to commit.
        newest: what the ref of the newest promotion says; None where there was none.
        pictures: the commit that holds them, and the one that the remote has of them; None without any.
    """

    change: Change
    commit: str
    main: str
    open: dict[str, str]
    newest: str | None
    body: str
    pictures: tuple[str | None, str | None]


def _attempt(asked: Promotion, means: Means, merge: bool) -> Promoted:
    remote, main = means.remote, _main(means.remote)
    with remote.worktree(main) as top:
        before = served.read(asked.environment, asked.model, top)
        published = Published(release=asked.release, image=means.image())
        order.check(asked, published, Standing(remote, main, top))
        if merge:
            freeze.check(asked.environment, datetime.now(UTC), top)
        after = before.record.promoted(published)
        if after == before.record and not render.differences(asked.environment, asked.model, top):
            return _promoted(Change.seen(asked, published, before, {}, top), MAIN, main, already=True)
        found = paths.of(asked.environment, asked.model)
        held = render.held(top / found[1])
        after.write(top / found[0])
        render.write(asked.environment, asked.model, top)
        prepared = _prepare(Change.seen(asked, published, before, held, top), means, main, top)
    paths.check(remote.difference(main, prepared.commit), found, "The promotion")
    return _pushed(prepared, means, merge)


def _prepare(change: Change, means: Means, main: str, top: Path) -> _Prepared:
    remote, asked = means.remote, change.asked
    room = f"refs/heads/{asked.room}"
    opened = {name.removeprefix("refs/heads/"): commit for name, commit in remote.listed(f"{room}*").items()}
    described = means.describe(change)
    pictures = remote.sheet(described.pictures, message.pictures(asked)) if described.pictures else None
    body = described.body(lambda name: means.forge.picture(pictures, name) if pictures else None)
    superseded = {name: commit for name, commit in opened.items() if name != asked.branch}
    said = message.write(change, superseded, None if means.forge.has_requests else body)
    commit = remote.commit(top, paths.of(asked.environment, asked.model), said)
    newest, held = remote.refs(asked.newest, asked.pictures)
    return _Prepared(change, commit, main, opened, newest, body, (pictures, held))


def _pushed(made: _Prepared, means: Means, merge: bool) -> Promoted:
    remote, asked = means.remote, made.change.asked
    held, commit = made.open.get(asked.branch), made.commit
    # A branch that holds the very change is left as it is: a pull request may be open for it.
    already = held is not None and _same(remote, asked, held, made)
    if held is not None and already:
        commit = held
    branch = f"refs/heads/{asked.branch}"
    updates: list[Update] = [(commit, f"refs/heads/{MAIN}", made.main) if merge else (commit, branch, held)]
    updates.append((commit, asked.newest, made.newest))
    if made.pictures[0] is not None:
        updates.append((made.pictures[0], asked.pictures, made.pictures[1]))
    if merge and held is not None:
        updates.append((None, branch, held))
    if changes := [update for update in updates if update[0] != update[2]]:
        remote.push_refs(changes)
    url = None if merge else _proposed(made, means, (commit, held))
    superseded = _supersede(made, means, f"commit {commit}" if merge else url or asked.branch)
    return _promoted(
        made.change, MAIN if merge else asked.branch, commit, already and not merge, made.body, url, superseded
    )


def _same(remote: Remote, asked: Promotion, held: str, made: _Prepared) -> bool:
    remote.branch(asked.branch)  # so that the clone has it
    return remote.parents(held) == [made.main] and not remote.difference(held, made.commit)


def _proposed(made: _Prepared, means: Means, commits: tuple[str, str | None]) -> str | None:
    """Open the pull request, or take back the branch that was pushed for it."""
    asked, (commit, held) = made.change.asked, commits
    try:
        request = means.forge.propose(asked.branch, message.title(made.change), made.body)
    except SlipwayError as error:
        if commit != held:
            _take_back(made, means.remote, (commit, held), error)
        raise
    return request.url if request is not None else None


def _take_back(made: _Prepared, remote: Remote, commits: tuple[str, str | None], why: SlipwayError) -> None:
    asked, (commit, held) = made.change.asked, commits
    try:
        remote.push_refs([(held, f"refs/heads/{asked.branch}", commit), (made.newest, asked.newest, commit)])
    except RemoteMoved as error:
        raise PromotionRefused(
            f"Another promotion of {asked.model} to {asked.environment} came meanwhile, and this one ended for it.",
            "See what is open there; promote again if yours is the one to keep.",
        ) from error
    except GitFault as error:
        said = f"{why.what} The branch {asked.branch} could not be taken back either: {error.what}"
        raise GitFault(said, "Run the same command again when both can be reached: it goes on from there.") from error


def _supersede(made: _Prepared, means: Means, by: str) -> tuple[str, ...]:
    asked, forge = made.change.asked, means.forge
    gone = {name: commit for name, commit in made.open.items() if name != asked.branch}
    requests: list[PullRequest] = forge.requests(asked.room)
    for request in requests:
        if request.branch != asked.branch:
            forge.close(request, f"Superseded by {by}: release {asked.release} of {asked.model}.")
    if gone:
        means.remote.push([(None, name, commit) for name, commit in gone.items()])
    return tuple(sorted(gone))


def _main(remote: Remote) -> str:
    main = remote.main()
    if not remote.related(main):
        raise GitFault(
            f"{MAIN} of the remote {remote.name} and your clone have no commit in common: it is another repository.",
            "Name the remote of this monorepo with --remote.",
        )
    return main


def _promoted(
    change: Change,
    branch: str,
    commit: str,
    already: bool,
    body: str = "",
    url: str | None = None,
    superseded: tuple[str, ...] = (),
) -> Promoted:
    asked = change.asked
    return Promoted(
        asked.environment,
        asked.model,
        asked.release,
        str(change.published.image),
        change.role,
        branch,
        commit,
        already,
        body,
        url,
        superseded,
    )
