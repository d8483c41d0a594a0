"""What builds an image from a Containerfile: Docker where it runs, buildah for root on Linux elsewhere.

Either leaves an OCI layout, the folder format that registries' clients share. buildah's storage is thrown away after
each build and lives in a mount and pid namespace of its own, so a killed build leaves neither mounts nor processes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Protocol

from infra.builds.catalogue import catalogue
from infra.builds.store import scratch
from infra.errors import PlatformError
from infra.paths import cache_folder

CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
NEEDED = ("buildah", "mmdebstrap", "setpriv", "unshare")
INSTALL = "Install them with `environments/debian-packages debian-platform`, or start Docker."
TAG = "latest"


class Engine(Protocol):
    """Builds a context into an OCI layout; `base` is where the base image comes from, None where we make it."""

    @property
    def name(self) -> str: ...

    @property
    def base(self) -> str | None: ...

    def build(self, context: Path, arguments: dict[str, str], base: Path | None, layout: Path) -> None:
        """Build `context/Containerfile` on our base's layout, if it has one. Raises PlatformError with the output."""


class Buildah:
    """buildah, with chroot for isolation: it needs root, and no service."""

    name = "buildah"
    base = None

    def build(self, context: Path, arguments: dict[str, str], base: Path | None, layout: Path) -> None:
        """See Engine."""
        with scratch(layout.parent) as storage:
            if base:
                # buildah makes a name of a layout's path, and a name allows less than a path: so it gets a short one.
                (storage / "base").symlink_to(base)
                arguments = {**arguments, "BASE": f"oci:base:{TAG}"}
            self._run(storage, *_build_command("bud"), *_options(arguments), "--tag", "image", str(context))
            self._run(storage, "push", "--quiet", "--format", "oci", "image", f"oci:{layout}:{TAG}")

    def _run(self, storage: Path, command: str, *arguments: str) -> None:
        # In its folder for temporary files, buildah keeps what `--mount=type=cache` mounts (packages, wheels).
        # That is the one thing there that is to last.
        kept = cache_folder() / "images" / "downloads"
        kept.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (storage / "buildah-cache").symlink_to(kept)
        contained = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        places = ["--root", f"{storage}/root", "--runroot", f"{storage}/run", "--storage-driver", "overlay"]
        _call([*contained, "buildah", *places, command, *arguments], {"TMPDIR": str(storage)}, storage)


class Docker:
    """The Docker engine, whose saved images are OCI layouts since version 25."""

    name = "docker"

    @property
    def base(self) -> str:
        """The base is pulled: who has Docker has a registry."""
        return catalogue().base_image

    def build(self, context: Path, arguments: dict[str, str], base: Path | None, layout: Path) -> None:
        """See Engine."""
        arguments = {**arguments, "BASE": self.base}
        tag = f"slipway-build:{layout.parent.name}"
        file = ["--file", str(context / "Containerfile")]
        _call(["docker", "build", "--quiet", *file, *_options(arguments), "--tag", tag, str(context)], {})
        archive = layout.with_suffix(".tar")
        _call(["docker", "save", "--output", str(archive), tag], {})
        with tarfile.open(archive) as saved:
            saved.extractall(layout, filter="data")
        archive.unlink()
        _call(["docker", "image", "rm", tag], {})


@functools.cache
def engine() -> Engine:
    """The engine of this machine. Raises PlatformError where there is none."""
    if _docker_runs():
        return Docker()
    missing = [program for program in NEEDED if not shutil.which(program)]
    if missing:
        raise PlatformError(f"No Docker engine answers, and {', '.join(missing)} is not installed.", INSTALL)
    if os.geteuid() != 0:
        raise PlatformError(
            "No Docker engine answers, and building images without it needs root.",
            "Start Docker, or run the command as root.",
        )
    return Buildah()


def _docker_runs() -> bool:
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, check=False)
    return asked.returncode == 0


def _build_command(name: str) -> list[str]:
    # Without layers of its own for each step, an image is its base and one layer; with a fixed time, equal bytes.
    return [name, "--isolation", "chroot", "--layers=false", "--timestamp", "0", "--format", "oci", "--quiet"]


def _options(arguments: dict[str, str]) -> list[str]:
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    bundle = os.environ.get("SSL_CERT_FILE", CA_BUNDLE)
    # The certificate authorities that this machine trusts, a company's own among them; they do not stay in the image.
    return [*options, f"--secret=id=ca-certificates,src={bundle}"] if Path(bundle).is_file() else options


def _call(command: list[str], environment: dict[str, str], folder: Path | None = None) -> None:
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        last = "\n".join(f"  {line}" for line in run.stdout.strip().splitlines()[-12:])
        raise PlatformError(
            f"An image could not be built:\n{last}",
            "Check the network and the free disk, then try again; what was downloaded is kept.",
        )
