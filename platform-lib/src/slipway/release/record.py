"""What an environment runs of a model: gitops/envs/<environment>/<model>/release.yaml, and all that a roll-out knows.

The champion answers; the challenger takes its share of the traffic, its weight, while a roll-out is under way. Both
are named by the release's digest and by that of the image that it was published as, and what rolls out is the two
together: the same release in another image is another server, or another base, and nobody knows yet how it does.

    champion:
      release: b1797c57d780965e90e4998eb25297d04f6db9e90edaa5580ab49f22a092fbf2
      image: sha256:4f1c...
    challenger:
      release: 02bac88329d2...
      image: sha256:9e07...
      weight: 10
    rejected: []

``champion: null`` declares that nothing is in production yet. A champion without an image is in production somewhere
that Slipway does not deploy to: what is new is compared with it, and nothing is rendered of it.

When a challenger began, and since when it has its weight, is when the commits that say so became main.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from annotated_types import Interval, MinLen
from pydantic import AwareDatetime, StringConstraints, model_validator

from slipway.documents import Document, Listed

ReleaseDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ImageDigest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Published(Document):
    """A release and the image that holds it; None for the image of a release that was never published."""

    release: ReleaseDigest
    image: ImageDigest | None

    def is_same(self, other: Published | None) -> bool:
        """Whether ``other`` is the same release in the same image: what runs is the same then."""
        return other is not None and (self.release, self.image) == (other.release, other.image)


class Challenger(Published):
    """A published release on its way to become the champion, and the share of the traffic that it gets, in percent."""

    image: ImageDigest
    weight: Annotated[int, Interval(ge=0, le=100)]


class Rejected(Published):
    """A release in an image that a roll-out took back; the two are not promoted here again until people take them off.

    The release in another image may be: whether the one or the other was at fault no roll-out can tell, and what is
    promoted is judged anew from 0 %.

    Attributes:
        at: when.
        reason: why, in a sentence.
    """

    image: ImageDigest
    at: AwareDatetime
    reason: Annotated[str, MinLen(1)]


class Record(Document):
    """The whole of release.yaml."""

    champion: Published | None
    challenger: Challenger | None
    rejected: Listed[Rejected] = ()

    @model_validator(mode="after")
    def _a_challenger_has_a_champion_beside_it(self) -> Record:
        if self.challenger is None:
            return self
        if self.champion is None or self.champion.image is None:
            raise ValueError("challenger needs a champion with an image: there is no traffic to share yet")
        if self.challenger.is_same(self.champion):
            raise ValueError("challenger is the champion itself")
        return self

    def holds(self, published: Published) -> bool:
        """Whether ``published`` is the champion or the challenger, in that very image."""
        return published.is_same(self.champion) or published.is_same(self.challenger)

    def knows(self, release: str) -> bool:
        """Whether the champion, the challenger or a rejected one is ``release``, a whole digest, in whatever image."""
        known = (self.champion, self.challenger, *self.rejected)
        return any(it is not None and it.image is not None and it.release == release for it in known)

    def rejection(self, published: Published) -> Rejected | None:
        """Why ``published`` was rejected, in that very image; None if it was not."""
        return next((it for it in self.rejections(published.release) if it.is_same(published)), None)

    def rejections(self, release: str) -> tuple[Rejected, ...]:
        """All that was rejected of ``release``, a whole digest, in whatever image; the newest first."""
        return tuple(it for it in reversed(self.rejected) if it.release == release)

    def promoted(self, published: Published) -> Record:
        """The record after ``published`` is promoted here.

        Where nothing runs, it is the champion at once. Beside one that runs it is the challenger and begins with no
        traffic, in place of any challenger before it; a roll-out then moves its weight. That holds for another image
        of the champion's own release, too. What runs stays as it is.
        """
        if self.holds(published):
            return self
        if self.champion is None or self.champion.image is None:
            return Record(champion=published, challenger=None, rejected=self.rejected)
        challenger = Challenger(release=published.release, image=str(published.image), weight=0)
        return Record(champion=self.champion, challenger=challenger, rejected=self.rejected)

    def advanced(self, weight: int) -> Record:
        """The record after the challenger, which there must be, got another weight."""
        assert self.challenger is not None
        moved = self.challenger.model_copy(update={"weight": weight})
        return Record(champion=self.champion, challenger=moved, rejected=self.rejected)

    def concluded(self) -> Record:
        """The record after the challenger, which there must be, became the champion."""
        assert self.challenger is not None
        champion = Published(release=self.challenger.release, image=self.challenger.image)
        return Record(champion=champion, challenger=None, rejected=self.rejected)

    def rolled_back(self, reason: str, now: datetime) -> Record:
        """The record after the challenger, which there must be, was taken back and rejected for ``reason``."""
        assert self.challenger is not None
        at = now.astimezone(UTC).replace(microsecond=0)
        rejected = Rejected(release=self.challenger.release, image=self.challenger.image, at=at, reason=reason)
        return Record(champion=self.champion, challenger=None, rejected=(*self.rejected, rejected))
