"""The root file system of the base image, from Debian's packages."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.errors import PlatformError

MIRROR = "http://deb.debian.org"
SOURCES = (
    f"deb {MIRROR}/debian bookworm main",
    f"deb {MIRROR}/debian bookworm-updates main",
    f"deb {MIRROR}/debian-security bookworm-security main",
)
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
# No service starts while a package is installed into an image.
POLICY = 'printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d" && chmod 0755 "$1/usr/sbin/policy-rc.d"'


def bootstrap(packages: list[str], archive: Path) -> None:
    """Write a tar archive of Debian 12 with apt and `packages`. Raises PlatformError with mmdebstrap's last lines."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    kept = "--dpkgopt=path-include=/usr/share/doc/*/copyright"
    command = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(packages)}", *excluded, kept]
    hooks = [f"--customize-hook={POLICY}"]
    run = subprocess.run(
        [*command, *hooks, "bookworm", str(archive), *SOURCES],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SOURCE_DATE_EPOCH": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        last = "\n".join(f"  {line}" for line in run.stderr.strip().splitlines()[-8:])
        raise PlatformError(
            f"Debian 12 could not be installed into the base image:\n{last}",
            f"Check that {MIRROR} is reachable and that 1 GiB is free in the temporary folder.",
        )
