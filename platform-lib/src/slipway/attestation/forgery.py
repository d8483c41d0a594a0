"""A copy of a release to tamper with, and the tools of a forger: hashing anew, signing anew, tar entries by hand."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slipway.attestation import archive, provenance
from slipway.attestation.examine import Trusted
from slipway.files import canonical_json, read_json
from slipway.gates.advisories import Advisory, Scan, Thresholds
from slipway.release import keyring, lineage, signing, statement, trust
from slipway.release.manifest import MANIFEST
from slipway.supply_chain import sbom, scan


@dataclass(frozen=True)
class Copy:
    """A release with signature, statement and scan beside it, and by what it will be judged.

    Attributes:
        release: its folder.
        owner: the private key that is trusted.
        forger: one that is not.
        now: the time of judging.
        ring: what is trusted instead of the owner's public key alone.
    """

    release: Path
    owner: Path
    forger: Path
    now: datetime
    ring: Path | None = None

    @property
    def trusted(self) -> Trusted:
        """What ``slipway verify`` is told."""
        return Trusted(self.ring or _public(self.owner), self.beside(trust.SUFFIX), self.now)

    def beside(self, suffix: str) -> Path:
        """The file with ``suffix`` that belongs to the release."""
        return self.release.with_name(self.release.name + suffix)

    def to(self, folder: Path) -> Copy:
        """Everything once more, in ``folder``."""
        folder.mkdir()
        shutil.copytree(self.release, folder / self.release.name)
        for suffix in archive.SUFFIXES:
            shutil.copyfile(self.beside(suffix), folder / self.beside(suffix).name)
        return replace(self, release=folder / self.release.name)

    def rehashed(self, name: str, content: bytes) -> Copy:
        """With another file, manifest and folder name fitting to it; what was said of the release is said of this."""
        (self.release / name).write_bytes(content)
        entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        return self.relisted(lambda files: files.update({name: entry}))

    def relisted(self, change: Callable[[dict[str, Any]], object]) -> Copy:
        """With other files in the manifest and the folder named by it."""
        listed = read_json(self.release / MANIFEST)
        change(listed["files"])
        content = canonical_json(listed)
        (self.release / MANIFEST).write_bytes(content)
        renamed = self.release.with_name(hashlib.sha256(content).hexdigest())
        for suffix in archive.SUFFIXES:
            self.beside(suffix).rename(renamed.with_name(renamed.name + suffix))
        self.release.rename(renamed)
        return replace(self, release=renamed)

    def resigned(self, private: Path) -> Copy:
        """With a signature by ``private``."""
        signing.sign(self.release, private, self.beside(trust.SUFFIX))
        return self

    def restated(self, private: Path, change: Callable[[dict[str, Any]], object] = lambda said: None) -> Copy:
        """With a statement of provenance by ``private`` that says something else, about the release as it is now."""
        file = self.beside(provenance.SUFFIX)
        said = json.loads(base64.b64decode(read_json(file)["payload"]))
        change(said["predicate"])
        model = read_json(self.release / MANIFEST)["model"]
        statement.write(file, provenance.KIND, (model, self.release.name), said["predicate"], private)
        return self

    def rescanned(self, private: Path, finished: datetime, *found: Advisory) -> Copy:
        """With a scan by ``private`` that found ``found``."""
        limits = lineage.thresholds(self.release, "advisories")
        pins = tuple(str(pin) for pin in sbom.pins(self.release))
        scanned = Scan("https://osv.invalid", finished - timedelta(seconds=1), finished, pins, found)
        thresholds = Thresholds(limits["max_age_days"], limits["canaries"], {})
        model = read_json(self.release / MANIFEST)["model"]
        scan.write(self.beside(scan.SUFFIX), (model, self.release.name), scanned, thresholds, private)
        return self

    def ringed(self, not_before: datetime, not_after: datetime) -> Copy:
        """Judged by a ring in which the owner's key has a period."""
        ring = self.release.with_name("ring")
        ring.mkdir()
        shutil.copyfile(_public(self.owner), ring / "owner.pem.pub")
        ends = f"not_before: {not_before:%Y-%m-%dT%H:%M:%SZ}, not_after: {not_after:%Y-%m-%dT%H:%M:%SZ}"
        (ring / keyring.LISTING).write_text(f"keys: [{{file: owner.pem.pub, {ends}}}]\n")
        return replace(self, ring=ring)


def _public(private: Path) -> Path:
    return private.with_name(private.name + ".pub")


def flip(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def edit(file: Path, old: bytes, new: bytes) -> None:
    """Change what a signed statement says without signing it anew."""
    content = json.loads(file.read_bytes())
    envelope = content.get("dsseEnvelope", content)
    payload = base64.b64decode(envelope["payload"])
    envelope["payload"] = base64.b64encode(payload.replace(old, new, 1)).decode()
    file.write_text(json.dumps(content))


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """An entry of a tar."""
    header = tarfile.TarInfo(name)
    header.type, header.linkname, header.size = kind, target, len(content)
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)
