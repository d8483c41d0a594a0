"""``slipway unpack``: a release out of one file, if it proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import PublicKey


def unpack(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of `slipway pack`.")],
    to: Annotated[Path, typer.Option("--to", help="The folder in which the release's folder appears.")],
    key: PublicKey = None,
) -> None:
    """Unpack a release, after checking all of it: nothing appears before every byte is verified.

    Links, devices, paths that lead out, files that the manifest does not list and sizes other than it says are refused.
    With a key, an archive whose release its owner did not sign is refused too. Prints the release's folder.

    Examples:

      slipway unpack flight_delay.tar --to releases/flight_delay

      slipway unpack flight_delay.tar --to /srv/releases --key gitops/keys
    """
    from slipway.attestation import archive as archives
    from slipway.progress import step

    with step(f"unpacking and verifying {archive}"):
        folder = archives.unpack(archive, to, key)
    print(folder)
