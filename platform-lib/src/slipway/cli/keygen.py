"""``slipway keygen``: a pair of keys to sign releases with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def keygen(
    private: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Where the private key goes; the public one gets .pub. By default the development key in your "
            "configuration folder.",
        ),
    ] = None,
) -> None:
    """Make a key pair (P-256) to sign releases with: FILE, for its owner only, and FILE.pub, for everybody.

    Without FILE: slipway/development.pem in your configuration folder, which `slipway sign` takes by default; it is
    made once. Prints the public key's file. A file inside the monorepo is refused, for it might be committed, and an
    existing one is never overwritten.

    Examples:

      slipway keygen ~/.config/slipway/release-2027.pem

      slipway keygen /run/secrets/release.pem
    """
    from slipway.release import signing

    if private is None:
        made = signing.development_key()
        print(made.with_name(made.name + ".pub"))
    else:
        print(signing.new_keys(private))
