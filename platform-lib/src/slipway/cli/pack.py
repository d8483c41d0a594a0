"""``slipway pack``: a release in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import ReleaseName


def pack(
    release: ReleaseName,
    to: Annotated[Path, typer.Option("--to", help="The archive, a plain tar.")],
) -> None:
    """Pack a release, and what is said of it where that exists (signature, provenance, scan), into one file.

    Equal content gives equal bytes. Prints the archive's sha256 and name.

    Examples:

      slipway pack flight_delay --to flight_delay.tar

      slipway pack 3f9a0c42 --to 3f9a0c42.tar
    """
    from slipway.attestation import archive
    from slipway.files import sha256_file
    from slipway.progress import step
    from slipway.release import manifest, statement
    from slipway.release.find import find

    folder = find(release).resolve()
    model = str(manifest.verify(folder)["model"])
    with step(f"packing {folder.name[:12]}"):
        archive.pack(folder, [statement.beside(folder, model, suffix) for suffix in archive.SUFFIXES], to)
    print(f"{sha256_file(to)}  {to}")
