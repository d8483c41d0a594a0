"""What a pull request would change of one model in one environment, between main and its head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway.adapters.git import Remote
from slipway.errors import UsageError
from slipway.promotion.order import Promotion, Standing
from slipway.release.record import Published, Record
from slipway.rendering import paths, served
from slipway.rendering.served import ENVS, RECORD_FILE, RENDERED


@dataclass(frozen=True)
class Difference:
    """A pull request.

    Attributes:
        main, head: the monorepo at the base's newest commit, and at the head.
        fork: the newest commit that both have.
        changed: the paths that differ between ``fork`` and the head.
        commits: those of the head that main has not, the newest first.
    """

    main: Standing
    head: Standing
    fork: str
    changed: tuple[str, ...]
    commits: tuple[str, ...]

    def subjects(self) -> list[Subject]:
        """Each environment and model whose release.yaml or rendered folder is changed, in the order of their names."""
        found = set()
        for name in map(Path, self.changed):
            envs, rendered = len(ENVS.parts), len(RENDERED.parts)
            if name.is_relative_to(ENVS) and name.name == RECORD_FILE and len(name.parts) == envs + 3:
                found.add((name.parts[envs], name.parts[envs + 1]))
            elif name.is_relative_to(RENDERED) and len(name.parts) >= rendered + 2:
                found.add((name.parts[rendered], name.parts[rendered + 1]))
        # A model that leaves an environment takes all of it along.
        subjects = [Subject(self, *each) for each in sorted(found)]
        return [it for it in subjects if it.is_there]


@contextmanager
def difference(clone: Remote, base: str, head: str) -> Iterator[Difference]:
    """The difference between two commits, for as long as the block takes.

    Raises:
        UsageError: when the clone has no such commits.
        GitFault: when they have nothing in common, as in a shallow clone.
    """
    main, tip = clone.resolve(base), clone.resolve(head)
    fork = clone.common(main, tip)
    with ExitStack() as held:
        tops = [held.enter_context(clone.worktree(commit)) for commit in (main, tip)]
        yield Difference(
            Standing(clone, main, tops[0]),
            Standing(clone, tip, tops[1]),
            fork,
            tuple(clone.difference(fork, tip)),
            tuple(clone.between(main, tip)),
        )


@dataclass(frozen=True)
class Subject:
    """One model in one environment, as the pull request would change it."""

    difference: Difference
    environment: str
    model: str

    @property
    def paths(self) -> tuple[Path, Path]:
        """The two paths that a promotion changes: release.yaml and the rendered folder."""
        return paths.of(self.environment, self.model)

    @property
    def is_there(self) -> bool:
        """Whether the head has anything of it."""
        home, rendered = self.paths[0].parent, self.paths[1]
        return any((self.difference.head.top / path).exists() for path in (home, rendered))

    @property
    def is_release(self) -> bool:
        """Whether release.yaml is changed; else only what is rendered is."""
        return str(self.paths[0]) in self.difference.changed

    @cached_property
    def before(self) -> Record | None:
        """What main says; None where that is nothing, or nothing that can be understood."""
        try:
            return self.difference.main.record(self.environment, self.model)
        except UsageError:
            return None

    @cached_property
    def after(self) -> Record:
        """What the head says.

        Raises:
            UsageError: when it is not what it must be, or gone, or there is no such environment.
        """
        served.check_environment(self.environment)
        return Record.read(self.difference.head.top / self.paths[0])

    @cached_property
    def new(self) -> list[Published]:
        """The published releases that the head holds and main does not, or not as that image."""
        both = (self.after.champion, self.after.challenger)
        return [
            Published(release=it.release, image=it.image)
            for it in both
            if it is not None and it.image is not None and not (self.before is not None and self.before.holds(it))
        ]

    @cached_property
    def returns(self) -> bool:
        """Whether it is as main had it before: champion and challenger, with its weight, as of an earlier commit."""
        return any(
            (held.champion, held.challenger) == (self.after.champion, self.after.challenger)
            for held in self.difference.main.records(self.environment, self.model)
        )

    @property
    def is_taken_back(self) -> bool:
        """Whether it is as main had it before, and nobody but main's champion gets traffic as the challenger again."""
        if not self.returns or self.before is None:
            return False
        return self.after.challenger is None or self.before.holds(self.after.challenger)

    def asked(self, published: Published) -> Promotion:
        """The promotion of a release that the head holds."""
        return Promotion(self.environment, self.model, published.release)
