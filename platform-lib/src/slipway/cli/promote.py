"""``slipway promote``: a published release into an environment, by one commit."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from slipway.cli.options import Json, Model, PlatformFile


def promote(
    model: Model,
    to: Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="staging, and after it production.")],
    release: Annotated[
        str | None, typer.Option("--release", help="At least 8 digits of its digest; by default the model's only one.")
    ] = None,
    remote: Annotated[str, typer.Option("--remote", help="The Git remote whose main the cluster runs.")] = "platform",
    merge: Annotated[
        bool, typer.Option("--merge", help="Make the commit the remote's main at once: no pull request, no review.")
    ] = False,
    first: Annotated[bool, typer.Option("--first", help="Change nothing where the model runs already.")] = False,
    platform: PlatformFile = None,
    json: Json = False,
) -> None:
    """Promote a published release: a commit on the remote's main, in a branch of the remote, ready for a pull request.

    The commit changes release.yaml of the environment and its rendered folder, and nothing else. Your checkout is not
    touched. Where nothing runs yet the release becomes the champion; beside a champion it is the challenger, and has no
    traffic until a roll-out gives it some. Production takes only what staging completed. Twice changes nothing.

    Examples:

      slipway promote flight_delay --to staging

      slipway promote flight_delay --to production --release 3f9a0c42 --merge --json

      slipway promote flight_delay --to staging --first --merge
    """
    from slipway import project
    from slipway.adapters.git import Remote
    from slipway.files import canonical_json
    from slipway.progress import step
    from slipway.promotion import platform as platforms
    from slipway.promotion.order import Promotion
    from slipway.promotion.promote import champion
    from slipway.promotion.promote import promote as push
    from slipway.promotion.publish import find_image
    from slipway.release.find import find
    from slipway.rendering.served import check_environment

    project.paths(model)
    check_environment(to)
    where, folder = platforms.read(platform), find(release or model).resolve()
    asked = Promotion(to, model, folder.name)
    target = Remote(project.root(), remote)
    if first and (runs := champion(asked, target)) is not None:
        print(canonical_json(asdict(runs)).decode() if json else f"{to} runs {model} {runs.release[:12]} already")
        return
    with step(f"promoting {model} {folder.name[:12]} to {to}"):
        done = push(asked, target, lambda: find_image(where, model, folder.name), merge)
    if json:
        sys.stdout.write(canonical_json(asdict(done)).decode())
        return
    print(f"{done.commit}  {done.branch}  {done.role}" + (" (there already)" if done.already else ""))
