"""Which release may go where: production takes what staging completed, and nothing takes what it rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from slipway.adapters.git import Remote
from slipway.errors import SlipwayError
from slipway.release.record import Published, Record
from slipway.rendering import served
from slipway.rendering.served import ENVIRONMENTS


class PromotionRefused(SlipwayError):
    """The release may not go to that environment, or not yet."""

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
        return f"{self.room}{self.release[:12]}"

    @property
    def room(self) -> str:
        """What the branches of all promotions of the model into the environment begin with."""
        return f"promote/{self.environment}/{self.model}/"


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
        file = self.top / served.folder(environment, model) / "release.yaml"
        return Record.read(file) if model in served.models(environment, self.top) else None

    def champions(self, environment: str, model: str) -> Iterator[Published]:
        """All that were the champion, the newest first; a file that was not what it must be names none."""
        path = served.folder(environment, model) / "release.yaml"
        for content in self.remote.versions(self.commit, path):
            try:
                held = Record.model_validate(yaml.safe_load(content)).champion
            except (yaml.YAMLError, ValidationError):
                continue
            if held is not None:
                yield held


def check(asked: Promotion, published: Published, main: Standing) -> None:
    """Refuse what was rejected, and what the environment before has not completed, as the very same image.

    A release has completed its roll-out in an environment when it was the champion there, on main.

    Raises:
        PromotionRefused: saying why, and what to do.
    """
    place = ENVIRONMENTS.index(asked.environment)
    for environment in ENVIRONMENTS[: place + 1]:
        _check_rejected(asked, environment, main)
    if place > 0:
        _check_completed(asked, published, ENVIRONMENTS[place - 1], main)


def _check_rejected(asked: Promotion, environment: str, main: Standing) -> None:
    record = main.record(environment, asked.model)
    rejected = record.rejection(asked.release) if record is not None else None
    if rejected is not None:
        raise PromotionRefused(
            f"{environment} rejected release {asked.release[:12]} of {asked.model} at {rejected.at:%Y-%m-%d %H:%M} UTC:"
            f" {rejected.reason}",
            "Make a better release. Whoever knows that the reason is gone takes the entry out of"
            f" {served.folder(environment, asked.model)}/release.yaml by a pull request.",
        )


def _check_completed(asked: Promotion, published: Published, earlier: str, main: Standing) -> None:
    record, short = main.record(earlier, asked.model), asked.release[:12]
    if record is None:
        raise PromotionRefused(
            f"{earlier} has no model {asked.model}, and what was not there goes to {asked.environment} never.",
            f"Add {served.folder(earlier, asked.model)} first.",
        )
    images = [it.image for it in main.champions(earlier, asked.model) if it.release == asked.release]
    if published.image in images:
        return
    if images:
        raise PromotionRefused(
            f"{earlier} held release {short} as {images[0]}; its image is {published.image} now.",
            f"Promote the new image there first: `slipway promote {asked.model} --to {earlier}`.",
        )
    if record.challenger is not None and record.challenger.release == asked.release:
        raise PromotionRefused(
            f"{earlier} has not completed the roll-out of {short}: it is the challenger there, at"
            f" {record.challenger.weight} % of the traffic.",
            f"Wait until it is the champion of {earlier}; `slipway status` shows how far it is.",
        )
    raise PromotionRefused(
        f"{earlier} never held release {short} of {asked.model}, so {asked.environment} may not.{_shallow(main)}",
        f"Promote it there first: `slipway promote {asked.model} --to {earlier}`.",
    )


def _shallow(main: Standing) -> str:
    return " This clone is shallow, so earlier champions are not seen: `git fetch --unshallow`." * main.remote.shallow()
