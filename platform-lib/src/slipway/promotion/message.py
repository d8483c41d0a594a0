"""What the commit of a promotion says; its trailers are what the history of roll-outs is read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slipway.canary import history
from slipway.promotion.change import Change
from slipway.promotion.order import Promotion
from slipway.release.record import Published


def title(change: Change) -> str:
    """The first line, and the pull request's title."""
    asked = change.asked
    return f"Promote {asked.model} {asked.release[:12]} to {asked.environment} as {change.role}"


def write(change: Change, superseded: Mapping[str, str], body: str | None) -> str:
    """The whole message.

    Args:
        change: what the commit changes.
        superseded: open promotions that end with this one: branch to commit.
        body: what a pull request would say, where there is none.
    """
    prose = [*_beside(change), *(f"Supersedes {name} ({commit})." for name, commit in sorted(superseded.items()))]
    parts = ["\n".join(prose), body.strip() if body else "", "\n".join(_trailers(change))]
    return "\n\n".join([title(change), *(part for part in parts if part)])


def pictures(asked: Promotion) -> str:
    """The message of the commit that holds a promotion's pictures."""
    return f"Pictures of the evidence of {asked.model} {asked.release}"


def _beside(change: Change) -> Iterator[str]:
    """What it runs beside, and what it takes the place of."""
    if change.beside is not None:
        if change.role == "challenger":
            yield f"Beside champion {change.beside.release[:12]}{_image(change, change.beside)}."
        else:
            yield f"In place of {change.beside.release}, which has no image."
    elif change.before.record.champion is None:
        yield "Nothing ran there before."
    if (gone := change.replaced) is not None:
        name = f"{gone.release[:12]}{_image(change, gone)}"
        yield f"In place of challenger {name}, whose roll-out was at {gone.weight} %."


def _image(change: Change, other: Published) -> str:
    """The image of ``other``, where nothing else tells it from what is promoted."""
    return f" in image {other.image}" if other.release == change.asked.release else ""


def _trailers(change: Change) -> Iterator[str]:
    asked = change.asked
    yield f"{history.IMAGE}: {change.published.image}"
    if change.after.record != change.before.record:
        yield f"{history.ROLLOUT}: {asked.environment}/{asked.model}"
        yield f"{history.ACTION}: begin"
        yield f"{history.RELEASE}: {asked.release}"
        yield f"{history.WEIGHT}: {change.weight}"
