"""Package the model as a release, if every gate is green on exactly this model and this data."""

from __future__ import annotations

from slipway import configuration, project, stage
from slipway.progress import console, step
from slipway.release.package import package as make_release


def package(model: str) -> None:
    """Write releases/MODEL/<digest>/."""
    params = configuration.load(model)
    with step("packaging and verifying"):
        digest = make_release(project.paths(model), params.model_dump(mode="json"))
    console.print(f"  release [bold]{digest}[/bold]")


if __name__ == "__main__":
    stage.run(package)
