"""When nothing may be promoted into an environment: gitops/envs/<environment>/freeze.yaml, which people write.

    freezes:
      - from: 2026-12-20T00:00:00Z
        to: 2027-01-04T08:00:00Z
        reason: Nobody is there to look after a roll-out.

What is taken back is no promotion: a rollback is never frozen. Without the file there is no freeze.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from annotated_types import MinLen
from pydantic import AwareDatetime, Field, model_validator

from slipway.documents import Document, Listed
from slipway.promotion.order import PromotionRefused
from slipway.rendering import served


class Freeze(Document):
    """From when to when, and why."""

    begin: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]
    reason: Annotated[str, MinLen(1)]

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Freeze:
        if self.end <= self.begin:
            raise ValueError("to must be later than from")
        return self


class Freezes(Document):
    """The whole of freeze.yaml."""

    freezes: Listed[Freeze]


def check(environment: str, now: datetime, top: Path) -> None:
    """Refuse a promotion into an environment that is frozen.

    Args:
        environment: into which.
        now: the time to judge by.
        top: the monorepo's top folder, at main: whoever promotes does not lift the freeze.

    Raises:
        PromotionRefused: with the reason and the end of the freeze.
        UsageError: when freeze.yaml is not what it must be.
    """
    path = served.freeze(environment)
    if not (top / path).is_file():
        return
    for freeze in Freezes.read(top / path).freezes:
        if freeze.begin <= now < freeze.end:
            raise PromotionRefused(
                f"{environment} is frozen until {freeze.end:%Y-%m-%d %H:%M %Z}: {freeze.reason}",
                f"Wait until then, or change {path} on main by a pull request of its own.",
            )
