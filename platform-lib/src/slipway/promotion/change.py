"""What a promotion changes: the environment before and after, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.promotion.order import Promotion
from slipway.release.record import Challenger, Published
from slipway.rendering import render, served
from slipway.rendering.served import Served


@dataclass(frozen=True)
class Change:
    """One environment before and after a release is promoted into it.

    Attributes:
        published: the release that is promoted, with its image.
        before, after: what it serves; equal where the remote's main has the promotion already.
        held, rendered: the manifests before and after, by the names of their files.
    """

    asked: Promotion
    published: Published
    before: Served
    after: Served
    held: Mapping[str, bytes] = field(repr=False)
    rendered: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def seen(
        cls, asked: Promotion, published: Published, before: Served, held: Mapping[str, bytes], top: Path
    ) -> Change:
        """The change from ``before``, when ``held`` stood in the rendered folder, to what stands in ``top`` now.

        Raises:
            UsageError: when one of the files is not what it must be.
        """
        after = served.read(asked.environment, asked.model, top)
        return cls(asked, published, before, after, held, render.render(after))

    @property
    def role(self) -> str:
        """What it is after the change: "champion" or "challenger"."""
        return "challenger" if self.published.is_same(self.after.record.challenger) else "champion"

    @property
    def replaced(self) -> Challenger | None:
        """The challenger in whose place it comes; None for none."""
        challenger = self.before.record.challenger
        return None if self.published.is_same(challenger) else challenger

    @property
    def weight(self) -> int:
        """The percent of the traffic that it has after the change."""
        challenger = self.after.record.challenger
        return challenger.weight if challenger is not None and self.role == "challenger" else 100

    @property
    def beside(self) -> Published | None:
        """The champion beside which it is the challenger, or in whose place it is the champion."""
        champion = self.before.record.champion
        return None if self.published.is_same(champion) else champion


@dataclass(frozen=True)
class Described:
    """What a reviewer must know.

    Attributes:
        body: Markdown, given where each picture is shown, by its name; None for one that is shown nowhere.
        pictures: SVG by the name of its file.
    """

    body: Callable[[Callable[[str], str | None]], str]
    pictures: Mapping[str, bytes]
