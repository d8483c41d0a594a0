"""``slipway promote``: a published release into an environment, by one commit and its pull request."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Json, Model, PlatformFile

if TYPE_CHECKING:
    from slipway.promotion.promote import Promoted


def promote(
    model: Model,
    to: Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="staging, and after it production.")],
    release: Annotated[
        str | None, typer.Option("--release", help="At least 8 digits of its digest; by default the model's only one.")
    ] = None,
    remote: Annotated[str, typer.Option("--remote", help="The Git remote whose main the cluster runs.")] = "platform",
    forge: Annotated[
        str, typer.Option("--forge", help="github or git; auto is GitHub where the remote's URL leads there.")
    ] = "auto",
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="Write there, too, what the pull request says.")
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Make the commit the remote's main at once: no pull request, no review.")
    ] = False,
    first: Annotated[bool, typer.Option("--first", help="Change nothing where the model runs already.")] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Change nothing where the environment has, had or rejected the release.")
    ] = False,
    platform: PlatformFile = None,
    json: Json = False,
) -> None:
    """Promote a published release: one commit on top of the remote's main, in a branch of its own, and a pull request.

    The commit changes release.yaml of the environment and its rendered folder, and nothing else. Your checkout is not
    touched. Where nothing runs yet the release becomes the champion; beside a champion it is the challenger, and has no
    traffic until a roll-out gives it some. Production takes only what staging completed. Promoting twice changes
    nothing; a newer release supersedes the open promotion of an older one. Without a forge the commit says what a pull
    request would. In a clone that has no release of the model, it comes from the registry: by --release, or staging's
    champion.

    Examples:

      slipway promote flight_delay --to staging

      slipway promote flight_delay --to production --release 3f9a0c42 --forge github --body request.md

      slipway promote flight_delay --to staging --first --merge
    """
    from functools import partial

    from slipway import project
    from slipway.adapters.forge import choose
    from slipway.adapters.git import Remote
    from slipway.files import canonical_json, replacing
    from slipway.progress import step
    from slipway.promotion import platform as platforms
    from slipway.promotion.candidate import Sought, describer, find_image, sought
    from slipway.promotion.order import Promotion
    from slipway.promotion.promote import Means, champion, known
    from slipway.promotion.promote import promote as push
    from slipway.rendering.served import check_environment

    project.paths(model)
    check_environment(to)
    where, target = platforms.read(platform), body.resolve() if body is not None else None
    git = Remote(project.root(), remote)
    with sought(Sought(to, model, release), where, git) as folder:
        project.enter()
        asked, image = Promotion(to, model, folder.name), partial(find_image, where, model, folder.name)
        if first and (runs := champion(asked, git)) is not None:
            print(
                canonical_json(runs.model_dump()).decode() if json else f"{to} runs {model} {runs.release[:12]} already"
            )
            return
        if new and known(asked, git):
            print(canonical_json({"release": folder.name, "new": False}).decode() if json else f"nothing new for {to}")
            return
        means = Means(git, choose(git, forge), image, describer(folder, model, where))
        with step(f"promoting {model} {folder.name[:12]} to {to}"):
            done = push(asked, means, merge)
    if target is not None:
        with replacing(target) as staged:
            staged.write_text(done.body, encoding="utf-8")
    if json:
        sys.stdout.write(canonical_json(asdict(done)).decode())
    else:
        _print(done)


def _print(done: Promoted) -> None:
    print(f"{done.commit}  {done.branch}  {done.role}" + (" (there already)" if done.already else ""))
    for name in done.superseded:
        print(f"supersedes {name}")
    if done.url is not None:
        print(done.url)
