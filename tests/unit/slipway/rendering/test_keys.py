"""The key ring travels with its content in its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from slipway.release import keyring, signing
from slipway.release.record import Record
from slipway.rendering import keys, served
from slipway.rendering.served import Served
from tests.conftest import MODEL
from tests.toy_platform import ToyPlatform
from tests.unit.slipway.rendering.conftest import ALONE


def test_the_config_map_is_a_key_ring(toy: ToyPlatform, production: Callable[[Record], Served]) -> None:
    assert production(ALONE).keys == {}
    signing.new_keys(toy.top.parent / "mine.pem")
    ring = toy.top / "gitops/keys"
    shutil.copy(toy.top.parent / "mine.pem.pub", ring)
    (ring / "keys.yaml").write_text("keys: [{file: mine.pem.pub}]\n")
    signed = served.read("production", MODEL, toy.top)
    made = keys.config_map(signed)
    assert made["immutable"] is True
    copy = toy.top.parent / "copy"
    copy.mkdir()
    for name, content in made["data"].items():
        (copy / name).write_text(content)
    assert [key.hint for key in keyring.load(copy)] == [key.hint for key in keyring.load(ring)]
    (ring / "keys.yaml").write_text("keys: [{file: mine.pem.pub, not_after: 2030-01-01T00:00:00Z}]\n")
    assert keys.config_map_name(served.read("production", MODEL, toy.top)) != made["metadata"]["name"]
