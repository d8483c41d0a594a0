"""Which release may go where: production takes what staging completed, and nothing takes what it rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import Remote
from slipway.errors import SlipwayError, UsageError
from slipway.release.record import Published, Record
from slipway.rendering import served
from slipway.rendering.served import ENVIRONMENTS


class PromotionRefused(SlipwayError):
    """The release may not go to that environment, or not yet."""

    exit_code = 1


@dataclass(frozen=True)
class Promotion:
    """What is asked for: a release by its whole digest, of a model, into an environment; in its newest image."""

    environment: str
    model: str
    release: str

    @property
    def branch(self) -> str:
        """The branch of the commit."""
        return f"{self.room}{self.release[:12]}"

    @property
    def room(self) -> str:
        """What the branches of all promotions of the model into the environment begin with."""
        return f"promote/{self.environment}/{self.model}/"

    @property
    def newest(self) -> str:
        """The ref that says which promotion of the model into the environment is the newest."""
        return f"refs/slipway/promotions/{self.environment}/{self.model}"

    @property
    def pictures(self) -> str:
        """The ref of the commit that holds its pictures."""
        return f"refs/slipway/pictures/{self.environment}/{self.model}/{self.release[:12]}"


@dataclass(frozen=True)
class Standing:
    """The monorepo at a commit of main.

    Attributes:
        remote: by whose clone its history is read.
        commit: of main.
        top: a folder with its files.
    """

    remote: Remote
    commit: str
    top: Path

    def record(self, environment: str, model: str) -> Record | None:
        """What an environment says of a model; None where it has no such model.

        Raises:
            UsageError: when the file is not what it must be.
        """
        file = self.top / served.folder(environment, model) / served.RECORD_FILE
        return Record.read(file) if model in served.models(environment, self.top) else None

    def records(self, environment: str, model: str) -> Iterator[Record]:
        """What the environment said of a model here and before, the newest first; what was nonsense is left out."""
        path = served.folder(environment, model) / served.RECORD_FILE
        names = [f"{commit.name}:{path}" for commit in self.remote.log(self.commit, path)]
        for content in self.remote.contents(names):
            try:
                found = Record.parse(content, path.name) if content is not None else None
            except UsageError:
                continue
            if found is not None:
                yield found

    def knows(self, asked: Promotion) -> bool:
        """Whether the environment holds the release, or held or rejected it before, in whatever image."""
        return any(held.knows(asked.release) for held in self.records(asked.environment, asked.model))

    def champions(self, environment: str, model: str) -> Iterator[Published]:
        """All that were the champion, the newest first."""
        return (held.champion for held in self.records(environment, model) if held.champion is not None)


def check(asked: Promotion, published: Published, main: Standing) -> None:
    """Refuse what was rejected, and what the environment before has not completed, as the very same image.

    Raises:
        PromotionRefused: saying why, and what to do.
    """
    check_rejected(asked, published, main)
    check_completed(asked, published, main)


def check_rejected(asked: Promotion, published: Published, main: Standing) -> str:
    """Refuse what the environment, or one before it, rejected as the very same image.

    Returns:
        What was rejected of the release in other images, in a sentence.

    Raises:
        PromotionRefused: with the reason that it was rejected for.
    """
    in_other_images = []
    for environment in ENVIRONMENTS[: ENVIRONMENTS.index(asked.environment) + 1]:
        record = main.record(environment, asked.model)
        for it in record.rejections(asked.release) if record is not None else ():
            said = f"in image {it.image} at {it.at:%Y-%m-%d %H:%M} UTC: {it.reason}"
            if it.is_same(published):
                raise PromotionRefused(
                    f"{environment} rejected release {asked.release[:12]} of {asked.model} {said}",
                    "Make a better release, or a better image of it. Whoever knows that the reason is gone takes the"
                    f" entry out of {served.folder(environment, asked.model)}/release.yaml by a pull request.",
                )
            in_other_images.append(f"{environment} rejected it {said}")
    return " ".join(in_other_images) or "No roll-out rejected it."


def check_completed(asked: Promotion, published: Published, main: Standing) -> str:
    """Refuse what has not completed its roll-out in the environment before: it was the champion there, on main.

    Returns:
        What it has completed, in a sentence.

    Raises:
        PromotionRefused: saying how far it is.
    """
    place, short = ENVIRONMENTS.index(asked.environment), asked.release[:12]
    if place == 0:
        return f"{asked.environment} is the first environment."
    earlier = ENVIRONMENTS[place - 1]
    record = main.record(earlier, asked.model)
    if record is None:
        raise PromotionRefused(
            f"{earlier} has no model {asked.model}, and what was not there goes to {asked.environment} never.",
            f"Add {served.folder(earlier, asked.model)} first.",
        )
    images = [it.image for it in main.champions(earlier, asked.model) if it.release == asked.release]
    if published.image in images:
        return f"{earlier} completed the roll-out of {short}, as the same image."
    challenger = record.challenger
    if challenger is not None and challenger.is_same(published):
        raise PromotionRefused(
            f"{earlier} has not completed the roll-out of {short}: it is the challenger there, at"
            f" {challenger.weight} % of the traffic.",
            f"Wait until it is the champion of {earlier}; `slipway status` shows how far it is.",
        )
    if challenger is not None and challenger.release == asked.release:
        images.append(challenger.image)
    if images:
        raise PromotionRefused(
            f"{earlier} held release {short} as {images[0]}; its image is {published.image} now.",
            f"Promote the new image there first: `slipway promote {asked.model} --to {earlier}`.",
        )
    raise PromotionRefused(
        f"{earlier} never held release {short} of {asked.model}, so {asked.environment} may not.{_shallow(main)}",
        f"Promote it there first: `slipway promote {asked.model} --to {earlier}`.",
    )


def _shallow(main: Standing) -> str:
    return " This clone is shallow, so earlier champions are not seen: `git fetch --unshallow`." * main.remote.shallow()
