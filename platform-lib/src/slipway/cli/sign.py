"""``slipway sign``: vouch for a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import ReleaseName, SigningKey


def sign(
    release: ReleaseName,
    key: SigningKey = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="The signature's file; by default signatures/<model>/<digest>.sig.")
    ] = None,
) -> None:
    """Sign a release and the statement of its provenance, after checking all that `slipway verify` checks of it.

    Prints the signature's file; the statement stands beside it, named <digest>.provenance.json. Exit 1 if a verdict
    is red or missing: what no gate let through gets no signature. Exit 3 if no commit holds what it was made of.

    Examples:

      slipway sign flight_delay

      slipway sign 3f9a0c42 --key /run/secrets/release.pem --to 3f9a0c42.sig
    """
    from datetime import UTC, datetime

    from slipway.attestation.attest import attest
    from slipway.progress import console
    from slipway.release import find, signing

    folder = find.find(release).resolve()
    private = key or signing.development_key()
    signature, statement = attest(folder, private, to, datetime.now(UTC))
    console.print(f"  its provenance is in {statement}", soft_wrap=True)
    print(signature)
