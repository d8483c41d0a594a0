"""The picture of the loop names every stage and every gate."""

from __future__ import annotations

import re

import yaml

from slipway import gates
from tests.conftest import ROOT


def test_every_stage_and_every_gate_is_in_the_picture() -> None:
    picture = (ROOT / "docs/pictures/loop.svg").read_text()
    words = {word for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture) for word in re.split(r"[ ·,]+", text)}
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert {*stages, *gates.names(), *gates.ATTESTED} - words == set()
