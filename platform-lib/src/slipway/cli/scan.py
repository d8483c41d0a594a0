"""``slipway scan``: is anything known against what a release runs on?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Json, ReleaseName, SigningKey

if TYPE_CHECKING:
    from slipway.gates.advisories import Thresholds


def scan(
    release: ReleaseName,
    key: SigningKey = None,
    osv_url: Annotated[
        str | None,
        typer.Option(
            "--osv-url",
            envvar="SLIPWAY_OSV_URL",
            metavar="URL",
            help="The advisory source, which speaks OSV's protocol; by default https://api.osv.dev.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The scan's file; by default signatures/<model>/<digest>.scan.json."),
    ] = None,
    json: Json = False,
) -> None:
    """Ask an advisory source about each package of a release's SBOM, and write the signed answer beside the release.

    Exit 1 if anything is known against a package, or if the source learnt us nothing: one that cannot be reached,
    answers wrongly or does not know well-known advisories is no good news. `slipway verify --key` demands a scan that
    is green and not older than gates.advisories.max_age_days, so scan each release in use again and again.

    Examples:

      slipway scan flight_delay

      slipway scan 3f9a0c42 --key /run/secrets/release.pem --osv-url https://osv.example.com --json
    """
    from slipway.errors import GateRed
    from slipway.files import canonical_json
    from slipway.release import dsse, find, manifest, signing, statement
    from slipway.supply_chain import osv, scan

    folder = find.find(release).resolve()
    model = manifest.verify(folder)["model"]
    thresholds = _thresholds(folder, model)
    target = to or statement.beside(folder, model, scan.SUFFIX)
    private = key or signing.development_key()
    dsse.private_key(private)  # before a long wait for nothing
    found = scan.scan(folder, osv_url or osv.DEFAULT_URL, thresholds)
    verdict = scan.write(target, (model, folder.name), found, thresholds, private)
    if json:
        sys.stdout.write(canonical_json({"scan": str(target), **verdict.as_evidence()}).decode())
    else:
        print(f"{target}\n{verdict.reason}")
    if not verdict.passed:
        raise GateRed("Gate advisories is red.", "Take versions that are fixed, or mend the source, and scan again.")


def _thresholds(folder: Path, model: str) -> Thresholds:
    """Those of params.yaml, today's; outside a monorepo those that the release was made with."""
    from slipway import configuration, project
    from slipway.files import read_json

    home = project.enclosing(Path.cwd())
    if home is None:
        return configuration.ModelParams.model_validate(read_json(folder / "params.json")).gates.advisories
    return configuration.load(model, home / configuration.PARAMS).gates.advisories
