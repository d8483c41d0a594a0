"""The machine's settings are put back after the last stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes import sysctls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A /proc/sys of its own, with a machine's values."""
    folder = tmp_path / "sys"
    for name in sysctls.OVERWRITTEN:
        _file(folder, name).parent.mkdir(parents=True, exist_ok=True)
        _file(folder, name).write_text("0\n")
    _file(folder, "kernel.random.boot_id").parent.mkdir(exist_ok=True)
    _file(folder, "kernel.random.boot_id").write_text("this boot\n")
    return folder


def test_the_last_stack_restores_what_the_first_one_found(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    sysctls.save(record, "one", root)
    _file(root, "kernel.panic").write_text("10\n")
    sysctls.save(record, "two", root)
    sysctls.restore(record, "one", root)
    assert sysctls.values(root)["kernel.panic"] == "10"
    sysctls.restore(record, "two", root)
    assert set(sysctls.values(root).values()) == {"0"}
    assert not record.exists()


def test_saving_twice_counts_once(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    sysctls.save(record, "one", root)
    sysctls.save(record, "one", root)
    sysctls.restore(record, "one", root)
    assert not record.exists()


def test_a_record_of_an_earlier_boot_restores_nothing(root: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    sysctls.save(record, "one", root)
    _file(root, "kernel.random.boot_id").write_text("next boot\n")
    _file(root, "kernel.panic").write_text("5\n")
    sysctls.restore(record, "one", root)
    assert sysctls.values(root)["kernel.panic"] == "5"
    assert not record.exists()


def test_without_a_record_nothing_is_restored(root: Path, tmp_path: Path) -> None:
    sysctls.restore(tmp_path / "record.json", "one", root)
    assert set(sysctls.values(root).values()) == {"0"}


def test_a_setting_that_the_kernel_lacks_is_passed_over(root: Path, tmp_path: Path) -> None:
    _file(root, "kernel.panic_on_oops").unlink()
    sysctls.save(tmp_path / "record.json", "one", root)
    sysctls.restore(tmp_path / "record.json", "one", root)
    assert not _file(root, "kernel.panic_on_oops").exists()


def _file(root: Path, name: str) -> Path:
    return root / name.replace(".", "/")
