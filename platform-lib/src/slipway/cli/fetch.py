"""``slipway fetch``: the champion out of the platform's registry."""

from __future__ import annotations

import typer

from slipway.cli.options import Model, PlatformFile


def fetch(model: Model, platform: PlatformFile = None) -> None:
    """Fetch the release that is in production, so that the pipeline can compare new ones with it.

    Needed after a promotion that this clone pulled: production's release.yaml names the release then, and its files are
    in the registry. Prints their folder, models/MODEL/champion/DIGEST; a champion that is there already is left there.

    Examples:

      slipway fetch flight_delay

      slipway fetch flight_delay --platform /srv/slipway/platform.json
    """
    from slipway import project
    from slipway.promotion import platform as platforms
    from slipway.promotion.fetch import fetch as bring

    paths, where = project.paths(model), platforms.read(platform)
    project.enter()
    typer.echo(bring(paths, where))
