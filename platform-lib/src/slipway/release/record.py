"""What an environment runs of a model: gitops/envs/<environment>/<model>/release.yaml.

The champion answers; the challenger takes its share of the traffic, its weight, while a roll-out is under way. Both
are named by the release's digest and by that of the image that it was published as:

    champion:
      release: b1797c57d780965e90e4998eb25297d04f6db9e90edaa5580ab49f22a092fbf2
      image: sha256:4f1c...
    challenger: null

``champion: null`` declares that nothing is in production yet. A champion without an image is in production somewhere
that Slipway does not deploy to: what is new is compared with it, and nothing is rendered of it.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval
from pydantic import StringConstraints, model_validator

from slipway.documents import Document

ReleaseDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ImageDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Published(Document):
    """A release and the image that holds it; None for the image of a release that was never published."""

    release: ReleaseDigest
    image: ImageDigest | None


class Challenger(Published):
    """A published release, and the share of the traffic that it gets, in percent."""

    image: ImageDigest
    weight: Annotated[int, Interval(ge=0, le=100)]


class Record(Document):
    """The whole of release.yaml."""

    champion: Published | None
    challenger: Challenger | None

    @model_validator(mode="after")
    def _a_challenger_has_a_champion_beside_it(self) -> Record:
        if self.challenger is None:
            return self
        if self.champion is None or self.champion.image is None:
            raise ValueError("challenger needs a champion with an image: there is no traffic to share yet")
        if self.champion.release == self.challenger.release:
            raise ValueError("challenger is the champion itself")
        return self

    def holds(self, release: str) -> Published | None:
        """The champion or the challenger, if it is published and ``release`` is its digest."""
        both = (self.champion, self.challenger)
        return next((it for it in both if it is not None and it.image is not None and it.release == release), None)

    def promoted(self, published: Published) -> Record:
        """The record after ``published`` is promoted here.

        Where nothing runs, it is the champion at once. Beside one that runs it is the challenger and begins with no
        traffic, in place of any challenger before it; a roll-out then moves its weight. What runs stays as it is.
        """
        held = self.holds(published.release)
        if held is not None and held.image == published.image:
            return self
        if self.champion is None or self.champion.image is None or self.champion.release == published.release:
            return Record(champion=published, challenger=None)
        challenger = Challenger(release=published.release, image=str(published.image), weight=0)
        return Record(champion=self.champion, challenger=challenger)
