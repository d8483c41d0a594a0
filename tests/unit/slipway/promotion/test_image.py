"""The image: equal inputs give an equal digest, whoever makes it, and everything else another one."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.promotion import image
from slipway.promotion.image import Base, Layer

DIGEST = "ab" * 32
BASE = Base(
    "slipway-server",
    "sha256:" + "1" * 64,
    ({"mediaType": f"{image.LAYER}+gzip", "digest": "sha256:" + "2" * 64, "size": 5},),
    {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-11-24T00:00:00Z",
        "config": {"Entrypoint": ["/opt/server", "serve"], "Labels": {"of": "the base"}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "3" * 64]},
        "history": [{"created_by": "somebody"}],
    },
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / DIGEST
    (found / "model").mkdir(parents=True)
    for name in ("manifest.json", "model.txt", "model/features.py"):
        (found / name).write_text(name)
    (tmp_path / f"{DIGEST}.sig").write_text("signed")
    return found


def layer(folder: Path) -> tuple[Layer, io.BytesIO]:
    content = io.BytesIO()
    return image.write_layer(folder, [folder.with_name(f"{DIGEST}.sig")], content), content


def test_the_layer_holds_the_release_and_its_statements_as_root_s(folder: Path) -> None:
    written, content = layer(folder)
    assert (written.size, written.digest) == (len(content.getvalue()), image.digest_of(content.getvalue()))
    content.seek(0)
    with tarfile.open(fileobj=content, mode="r:") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [
        "release",
        f"release/{DIGEST}",
        f"release/{DIGEST}.sig",
        f"release/{DIGEST}/manifest.json",
        f"release/{DIGEST}/model",
        f"release/{DIGEST}/model.txt",
        f"release/{DIGEST}/model/features.py",
    ]
    assert {(it.uid, it.gid, it.uname, it.mtime) for it in members} == {(0, 0, "", 0)}
    assert {it.mode for it in members if it.isfile()} == {0o644}


def test_time_owner_and_order_play_no_part(folder: Path, tmp_path: Path) -> None:
    first, _ = layer(folder)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path, copy, ignore=shutil.ignore_patterns("copy"))
    for number, file in enumerate(sorted((copy / DIGEST).rglob("*"), reverse=True)):
        os.utime(file, (number, number))
        if file.is_file():
            file.chmod(0o600)
    assert layer(copy / DIGEST)[0] == first
    (copy / DIGEST / "model.txt").write_text("model.txu")
    assert layer(copy / DIGEST)[0] != first


def test_a_name_that_no_tar_of_this_kind_can_hold(folder: Path) -> None:
    (folder / ("x" * 200)).touch()
    with pytest.raises(UsageError, match="does not fit into an image"):
        layer(folder)


def test_the_image_is_the_base_and_one_layer(folder: Path) -> None:
    written, _ = layer(folder)
    made = image.compose(BASE, written, "flight_delay", DIGEST, {"org.opencontainers.image.title": "Late"})
    manifest, config = json.loads(made.manifest), json.loads(made.config)
    assert [it["digest"] for it in manifest["layers"]] == [BASE.layers[0]["digest"], written.digest]
    assert config["rootfs"]["diff_ids"] == [*BASE.config["rootfs"]["diff_ids"], written.digest]
    assert len(config["history"]) == 2
    assert config["created"] == BASE.config["created"]
    assert config["config"]["Entrypoint"] == ["/opt/server", "serve"]
    assert config["config"]["Cmd"][0] == f"/release/{DIGEST}"
    assert config["config"]["Labels"] == {
        "of": "the base",
        "org.opencontainers.image.base.digest": BASE.digest,
        "org.opencontainers.image.base.name": "slipway-server",
        "org.opencontainers.image.title": "Late",
        "slipway.model": "flight_delay",
        "slipway.release": DIGEST,
    }
    assert "Labels" in BASE.config["config"]
    assert BASE.config["config"]["Labels"] == {"of": "the base"}


def test_equal_inputs_give_an_equal_digest(folder: Path) -> None:
    written, _ = layer(folder)
    labels = {"b": "2", "a": "1"}
    one = image.compose(BASE, written, "flight_delay", DIGEST, labels)
    two = image.compose(BASE, written, "flight_delay", DIGEST, dict(reversed(labels.items())))
    assert one == two
    assert one.digest == "sha256:" + one.digest.removeprefix("sha256:")
    assert image.compose(BASE, written, "flight_delay", DIGEST, {}).digest != one.digest
