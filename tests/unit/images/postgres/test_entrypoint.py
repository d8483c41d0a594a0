"""The start of PostgreSQL, with programs in the place of its own that write down how they are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.images import scripts

entrypoint = scripts.load("images/postgres/entrypoint.py")
INITDB = 'while [ $# -gt 0 ]; do case "$1" in --pgdata) data=$2;; --pwfile) cp "$2" {said}/password;; esac; shift; done'
INITDB += '; mkdir "$data" && echo 15 > "$data/PG_VERSION" && touch "$data/pg_hba.conf"'


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the programs were told."""
    said = tmp_path / "said"
    for folder in ("bin", "said", "volume"):
        (tmp_path / folder).mkdir()
    for name, script in {"initdb": INITDB.format(said=said), "postgres": f"cat > {said}/statements"}.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PGDATA", str(tmp_path / "volume" / "pgdata"))
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    monkeypatch.setattr("sys.argv", ["entrypoint", "-c", "max_connections=9"])
    monkeypatch.setattr(os, "execvp", lambda program, arguments: (said / "became").write_text(" ".join(arguments)))
    return said


def test_a_first_start_makes_the_cluster_and_its_database(
    said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_USER", "mlflow")
    entrypoint.main()
    data = tmp_path / "volume" / "pgdata"
    assert (said / "password").read_text() == "secret"
    assert (said / "statements").read_text() == 'CREATE DATABASE "mlflow" OWNER "mlflow"\n'
    assert (data / "pg_hba.conf").read_text() == "host all all all scram-sha-256\n"
    assert (said / "became").read_text() == f"postgres -D {data} -c listen_addresses=* -c max_connections=9"
    assert [path.name for path in data.parent.iterdir()] == ["pgdata"]


def test_a_second_start_keeps_the_data_and_needs_no_password(
    said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrypoint.main()
    data = tmp_path / "volume" / "pgdata"
    (data / "table").write_text("rows")
    data.chmod(0o770)
    monkeypatch.delenv("POSTGRES_PASSWORD")
    entrypoint.main()
    assert (data / "table").read_text() == "rows"
    assert data.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_start_left_is_made_anew(said: Path, tmp_path: Path) -> None:
    left = tmp_path / "volume" / "pgdata.unfinished"
    left.mkdir()
    (left / "half").write_text("half")
    entrypoint.main()
    assert not left.exists()
    assert not (tmp_path / "volume" / "pgdata" / "half").exists()


def test_the_password_may_come_from_a_file(said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("from the file\n")
    monkeypatch.setenv("POSTGRES_PASSWORD_FILE", str(tmp_path / "file"))
    entrypoint.main()
    assert (said / "password").read_text() == "from the file"


def test_without_a_password_nothing_is_made(said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTGRES_PASSWORD")
    with pytest.raises(SystemExit, match="POSTGRES_PASSWORD"):
        entrypoint.main()
    assert not (tmp_path / "volume" / "pgdata").exists()
