"""What `slipway sign` and `slipway verify` need around them: a commit, a pair of keys and a scan."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.process import Run, run
from benchmarks.workspace import Workspace
from slipway.gates.advisories import Scan, Thresholds
from slipway.project import ModelPaths
from slipway.release import lineage, signing
from slipway.supply_chain import sbom, scan

_WHO = ("-c", "user.name=benchmarks", "-c", "user.email=benchmarks@localhost")


@dataclass(frozen=True)
class Trust:
    """A copy of the monorepo that is committed, in a repository beside it, and a private key."""

    copy: Workspace
    environment: dict[str, str]
    key: Path

    def sign(self, model: str) -> Run:
        """`slipway sign`, from its process's start to its end."""
        return self._slipway("sign", model, "--key", str(self.key), "--to", str(self._signature(model)))

    def verify(self, model: str) -> Run:
        """`slipway verify --key` of what was signed and scanned, every check included."""
        key = self.key.with_name(f"{self.key.name}.pub")
        return self._slipway("verify", model, "--key", str(key), "--signature", str(self._signature(model)))

    def scan(self, model: str) -> None:
        """Write a scan that found nothing, as if its source had answered."""
        digest = self.copy.releases()[model]
        folder = self.copy.folder / ModelPaths(model).releases / digest
        limits = lineage.thresholds(folder, "advisories")
        pins = tuple(str(pin) for pin in sbom.pins(folder))
        now = datetime.now(UTC)
        scanned = Scan("https://osv.invalid", now, now, pins)
        thresholds = Thresholds(limits["max_age_days"], limits["canaries"], {})
        scan.write(self._signature(model).with_suffix(scan.SUFFIX), (model, digest), scanned, thresholds, self.key)

    def _signature(self, model: str) -> Path:
        return self.key.with_name(f"{model}.sig")

    def _slipway(self, *arguments: str) -> Run:
        return run([sys.executable, "-m", "slipway", *arguments], self.copy.folder, self.environment)


def make(folder: Path, copy: Workspace) -> Trust:
    """Commit all of ``copy``, in a repository in ``folder``, and make a key there."""
    folder.mkdir()
    environment = copy.environment | {"GIT_DIR": str(folder / "git"), "GIT_WORK_TREE": str(copy.folder)}
    for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all")):
        subprocess.run(["git", *_WHO, *arguments], cwd=copy.folder, env=environment, check=True)
    signing.new_keys(folder / "key.pem")
    return Trust(copy, environment, folder / "key.pem")
