#!/usr/bin/env python3.11
"""Make a database cluster where PGDATA holds none, as the upstream image does, and become `postgres`.

POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is wanted; POSTGRES_USER and POSTGRES_DB have upstream's defaults. The
cluster is made beside PGDATA and renamed, so that a pod that is killed meanwhile starts from nothing again. PGDATA is
therefore a folder in the volume, not the volume.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CLIENTS = "host all all all scram-sha-256\n"


def password() -> str:
    """The superuser's password; exits with a message where none is given."""
    file = os.environ.get("POSTGRES_PASSWORD_FILE")
    given = Path(file).read_text().strip() if file else os.environ.get("POSTGRES_PASSWORD", "")
    if not given:
        sys.exit("POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set: the database is reachable over the network.")
    return given


def make(data: Path, user: str, database: str) -> None:
    """Make a cluster with one superuser and one database at `data`, by a rename when it is finished."""
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password())
        secret.flush()
        command = ["initdb", "--pgdata", unfinished, "--username", user, "--pwfile", secret.name]
        options = ["--encoding", "UTF8", "--locale", "C.UTF-8", "--auth-local", "trust", "--auth-host", "scram-sha-256"]
        subprocess.run([*command, *options], check=True)
    with (unfinished / "pg_hba.conf").open("a") as rules:
        rules.write(CLIENTS)
    if database != "postgres":
        # In single-user mode the cluster answers nobody else while it is being made.
        statement = f'CREATE DATABASE "{database}" OWNER "{user}"\n'
        single = ["postgres", "--single", "-D", unfinished, "postgres"]
        subprocess.run(single, input=statement, text=True, stdout=subprocess.DEVNULL, check=True)
    unfinished.rename(data)


def main() -> None:
    """Entry point."""
    data = Path(os.environ["PGDATA"])
    user = os.environ.get("POSTGRES_USER", "postgres")
    if not (data / "PG_VERSION").exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        make(data, user, os.environ.get("POSTGRES_DB", user))
    # PostgreSQL refuses a folder that others may read, and Kubernetes gives a volume's files to its group.
    data.chmod(0o700)
    os.execvp("postgres", ["postgres", "-D", str(data), "-c", "listen_addresses=*", *sys.argv[1:]])


if __name__ == "__main__":
    main()
