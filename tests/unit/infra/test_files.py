"""A file is replaced at once, and is nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.files import write


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder/file"
    write(path, "first")
    write(path, b"second")
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_is_its_owners(tmp_path: Path) -> None:
    write(tmp_path / "file", "secret")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    write(tmp_path / "file", "first")
    with open(tmp_path / "file") as reader:
        write(tmp_path / "file", "second")
        assert reader.read() == "first"


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "file", "content")
