"""Kinds of files: by content as well as by name."""

from __future__ import annotations

import base64
import pickle
from collections import OrderedDict
from pathlib import Path

import polars as pl
import pytest

from slipway.supply_chain import kinds


def write(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "file"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.txt", b"tree\nversion=v4\n"),
        ("model/features.py", b"X = 1\n"),
        ("card.md", "Müller’s card\n\tindented\n".encode()),
        ("anything.json", b'{"a": [1]}'),
        ("model.yaml", b"a: {b: [1, 2]}\n"),
        ("drift/deep/down.json", b"null"),
    ],
)
def test_what_may_be_in_a_release(tmp_path: Path, name: str, content: bytes) -> None:
    assert kinds.complaint(name, write(tmp_path, content)) == ""


def test_parquet_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pl.DataFrame({"a": range(10_000)}).write_parquet(file)
    assert kinds.complaint("x.parquet", file) == ""
    content = file.read_bytes()
    file.write_bytes(content[:100] + b"\xff" * 64 + content[164:])
    assert "not Parquet" in kinds.complaint("x.parquet", file)


def test_an_arrow_type_that_unpickles_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    schema = base64.b64encode(b"..arrow.py_extension_type..").decode()
    pl.DataFrame({"a": [1]}).write_parquet(file, metadata={"ARROW:schema": schema})
    assert "pickled Arrow type" in kinds.complaint("x.parquet", file)


def test_schema_metadata_that_are_no_base64_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(file, metadata={"ARROW:schema": "a"})
    assert "not Parquet" in kinds.complaint("x.parquet", file)


@pytest.mark.parametrize(
    "content", [b"", b"tree\nversion=v4\n", b"# A card\n", b'{"a": 1}', b"common ground\nand more\n.", b"\x00\x01\xff"]
)
def test_what_is_no_pickle_has_no_names(tmp_path: Path, content: bytes) -> None:
    assert kinds.pickled(write(tmp_path, content)) == []


def test_a_pickle_that_imports_nothing_cannot_execute(tmp_path: Path) -> None:
    assert kinds.pickled(write(tmp_path, pickle.dumps({"a": [1.0]}))) == []
    assert kinds.pickled(write(tmp_path, pickle.dumps(OrderedDict()))) == ["collections.OrderedDict"]


@pytest.mark.parametrize("content", [b"PK\x03\x04broken", b"\x93NUMPY\x09\x09"])
def test_what_cannot_be_looked_into_is_told(tmp_path: Path, content: bytes) -> None:
    (said,) = kinds.pickled(write(tmp_path, content))
    assert said.startswith("(unreadable: ")
