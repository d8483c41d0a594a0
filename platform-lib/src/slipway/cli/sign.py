"""``slipway sign``: vouch for a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import ReleaseName


def sign(
    release: ReleaseName,
    key: Annotated[
        Path, typer.Option("--key", envvar="SLIPWAY_SIGNING_KEY", help="Private key (PEM), as from `slipway keygen`.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="The signature's file; by default signatures/<model>/<digest>.sig.")
    ] = None,
) -> None:
    """Sign a release, after checking all that `slipway verify` checks. Prints the signature's file.

    Exit 1 if a verdict is red or missing: what no gate let through gets no signature.

    Examples:

      slipway sign flight_delay --key release.pem

      slipway sign 3f9a0c42 --key release.pem --to 3f9a0c42.sig
    """
    from slipway.release import find, lineage, manifest, signing, trust

    folder = find.find(release).resolve()
    listed = manifest.verify(folder)
    lineage.check(folder, listed)
    target = to or trust.signature_of(folder, listed["model"])
    signing.sign(folder, key, target)
    print(target)
