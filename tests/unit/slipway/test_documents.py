"""A document says all that is wrong with it, by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.documents import Document
from slipway.errors import UsageError


class Inner(Document):
    count: int


class Outer(Document):
    name: str
    inner: Inner | None


def write(folder: Path, content: str) -> Path:
    file = folder / "outer.yaml"
    file.write_text(content)
    return file


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    outer, file = Outer(name="a", inner=Inner(count=1)), tmp_path / "outer.yaml"
    outer.write(file)
    assert file.read_text() == "name: a\ninner:\n  count: 1\n"
    assert Outer.read(file) == outer


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: a\n", "inner is missing"),
        ("name: a\ninner: null\nmore: 1\n", "more is not a known key"),
        ("name: 1\ninner: null\n", "name is 1: input should be a valid string"),
        ("name: a\ninner: {count: '1'}\n", "inner.count is '1': input should be a valid integer"),
        ("name: a\ninner: {cuont: 1}\n", "inner.count is missing; inner.cuont is not a known key"),
        ("- a\n", "is no mapping"),
        ("", "is no mapping"),
        ("name: [\n", "is not valid YAML"),
    ],
)
def test_each_wrong_key_is_named(tmp_path: Path, content: str, said: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        Outer.read(file)
    assert str(file) in caught.value.what
    assert said in caught.value.what
    assert caught.value.remedy


def test_a_missing_file_says_what_it_must_hold(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"outer\.yaml is missing.*name, inner"):
        Outer.read(tmp_path / "outer.yaml")
