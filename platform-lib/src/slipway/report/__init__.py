"""Everything about a model's newest run on one HTML page that needs no network and no JavaScript.

findings     reads what the pipeline left behind; nothing else here opens a file
verdicts     each gate's verdict as it stands: green, red, stale or missing
standing     whether that makes a release, and which
lineage      the stages from sources to release, and the sha256 of what each wrote
comparison   better, worse, or no significant difference
charts       one picture per function, as a specification
pictures     from a specification to an SVG that follows the page's colours and width
tables       figures of any shape as tables
page         the sections, put together; the markup stands in templates/

Equal artifacts give equal bytes: no clock, no random id. Whatever comes from a file is escaped by the templates.
"""

from __future__ import annotations

from pathlib import Path

from slipway.files import replacing
from slipway.project import ModelPaths
from slipway.report.findings import read
from slipway.report.page import render

__all__ = ["write"]


def write(paths: ModelPaths, target: Path) -> None:
    """Write the page about the model of ``paths`` to ``target``, whole or not at all.

    The monorepo's top folder must be the working directory, which ``paths`` are relative to.

    Raises:
        EnvironmentFault: naming the artifact that is missing or broken, or a ``target`` that cannot be written.
    """
    page = render(read(paths))
    with replacing(target) as staged:
        staged.write_text(page, encoding="utf-8")
