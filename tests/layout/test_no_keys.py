"""No private key and no token is in Git, and none can get there: the hook refuses the commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from slipway.supply_chain import secrets
from tests.conftest import ROOT

_KEY = ec.generate_private_key(ec.SECP256R1())
_TOKEN = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
_PLANTED = {
    "release.pem": _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "encrypted.pem": _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")),
    "old.txt": b"a note\n" + _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "id_ecdsa": _KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "key.der": _KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "key.jwk": b'{"kty": "EC", "crv": "P-256", "d": "AAAA"}',
    "settings.yaml": f"token: {_TOKEN}\n".encode(),
}


def test_nothing_that_git_tracks_holds_a_key() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name]
    assert len(names) > 300
    assert secrets.committed(names) == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with this monorepo's hooks and environment, and nothing else."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / ".gitignore").write_text(".venv\n/home/\n")
    _run(tmp_path, sys.executable, "-m", "pre_commit", "install")
    return tmp_path


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    told = {
        "SKIP": "check",  # there is nothing to make
        "PRE_COMMIT_HOME": str(folder / "home"),
        "HTTPS_PROXY": "http://127.0.0.1:9",  # no way out
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
    }  # fmt: skip
    return subprocess.run(command, cwd=folder, env=kept | told, capture_output=True, text=True, check=False)


def _commit(folder: Path) -> subprocess.CompletedProcess[str]:
    _run(folder, "git", "add", "--all")
    return _run(folder, "git", "commit", "--message", "more")


@pytest.mark.parametrize("name", _PLANTED)
def test_a_commit_with_a_key_is_refused(clone: Path, name: str) -> None:
    (clone / name).write_bytes(_PLANTED[name])
    done = _commit(clone)
    assert done.returncode == 1
    assert f"{name} line " in done.stdout + done.stderr
    assert _run(clone, "git", "rev-parse", "--verify", "HEAD").returncode != 0


def test_a_commit_without_one_is_made(clone: Path) -> None:
    public = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (clone / "release.pem.pub").write_bytes(public)
    (clone / "notes.md").write_text("The private key is kept in a vault.\n")
    done = _commit(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no private keys and tokens" in done.stdout + done.stderr
    assert _run(clone, "git", "rev-parse", "--verify", "HEAD").returncode == 0
