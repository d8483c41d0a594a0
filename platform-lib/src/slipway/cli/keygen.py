"""``slipway keygen``: a pair of keys to sign releases with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def keygen(
    private: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the private key goes; the public one gets .pub.")
    ],
) -> None:
    """Make a key pair (P-256) to sign releases with: FILE, for its owner only, and FILE.pub, for everybody.

    Keep FILE out of Git, in your CI's secret store. An existing file is never overwritten.

    Examples:

      slipway keygen ~/.config/slipway/release.pem

      slipway keygen /run/secrets/release.pem
    """
    from slipway.release.signing import new_keys

    print(new_keys(private))
