"""A release and what is said of it in one file, and back: unpacked only if it proves itself.

The file is a plain tar (USTAR), uncompressed: the manifest first, then the release's files by name, then the
statements beside it; no time, no owner, so that equal releases give equal bytes. Content is copied in chunks, whatever
its size. What is read is trusted in nothing: each header must be one of a regular file whose name and size the manifest
lists, so that no link, device, path or bomb gets as far as the disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from slipway.attestation import provenance
from slipway.errors import EnvironmentFault, SlipwayError, UsageError
from slipway.files import replacing
from slipway.release import manifest, trust
from slipway.release.manifest import MANIFEST
from slipway.supply_chain import scan

SUFFIXES = (trust.SUFFIX, provenance.SUFFIX, scan.SUFFIX)
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
_MANIFEST_LIMIT = 4 << 20
_STATEMENT_LIMIT = 16 << 20
_NAME = re.compile(r"(?P<digest>[0-9a-f]{64})/(?P<path>[^/]+(/[^/]+)*)")


class ArchiveRefused(SlipwayError):
    """The file is not an archive of a release."""

    exit_code = 3


def pack(folder: Path, statements: Sequence[Path], target: Path) -> None:
    """Write the release in ``folder`` and the existing ones of ``statements`` to the archive ``target``.

    Args:
        folder: the release, named by its digest; it must verify.
        statements: signature, provenance and scan, in the order of :data:`SUFFIXES`.
        target: the archive; it is replaced if it exists.

    Raises:
        ReleaseBroken: when the release does not verify.
        UsageError: when a file's name is too long for a tar of this kind, or ``target`` lies inside the release.
    """
    folder = folder.resolve()
    listed = manifest.verify(folder)
    if target.resolve().is_relative_to(folder):
        raise UsageError(f"{target} lies inside the release, whose content is sealed.", "Write the archive elsewhere.")
    names = [MANIFEST, *sorted(listed["files"])]
    content = [(f"{folder.name}/{name}", folder / name) for name in names]
    content += [
        (folder.name + suffix, file) for suffix, file in zip(SUFFIXES, statements, strict=True) if file.is_file()
    ]
    with replacing(target) as staged, staged.open("wb") as stream:
        for name, file in content:
            _write(stream, name, file)
        stream.write(bytes(2 * _BLOCK))


def _write(stream: IO[bytes], name: str, file: Path) -> None:
    size = file.stat().st_size
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o644
    try:
        stream.write(header.tobuf(tarfile.USTAR_FORMAT))
    except ValueError as error:
        raise UsageError(f"{name} does not fit into an archive: {error}.", "Give the file a shorter name.") from error
    written = 0
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            written += stream.write(chunk)
    if written != size:
        raise EnvironmentFault(f"{file} changed while it was being packed.", "Pack the release again.")
    stream.write(bytes(-size % _BLOCK))


def unpack(archive: Path, to: Path, key: Path | None = None) -> Path:
    """Unpack a release below ``to``, in a folder named by its digest, with its statements beside it.

    Nothing appears there before all of it is verified.

    Args:
        archive: what :func:`pack` wrote, or somebody who claims to have.
        to: the folder that gets the release.
        key: whose signature the release must have; None to ask for none.

    Returns:
        The release's folder.

    Raises:
        ArchiveRefused: naming the entry and the rule that it breaks.
        ReleaseBroken, ReleaseUntrusted: when the content does not verify.
        EnvironmentFault: when the file cannot be read, or the release cannot be written.
    """
    try:
        stream = archive.open("rb")
    except OSError as error:
        raise EnvironmentFault(f"{archive} cannot be read: {error.strerror}.", "Name an archive.") from error
    with stream:
        reading = _Reading(archive, stream)
        manifest_header = reading.begin()
        target = to / reading.digest
        with replacing(target) as staged:
            reading.extract(manifest_header, staged)
            listed = manifest.verify(staged)
            if key is not None:
                trust.check(staged, listed, staged.with_name(f"{staged.name}{trust.SUFFIX}"), key)
            for said in (staged.with_name(staged.name + suffix) for suffix in SUFFIXES):
                if said.exists():
                    said.replace(to / said.name)
    return target


@dataclass
class _Reading:
    """An archive that is being read; ``digest`` is the release's that it claims to hold."""

    archive: Path
    stream: IO[bytes]
    digest: str = ""

    def begin(self) -> tarfile.TarInfo:
        """Read the first header, which must be the manifest's."""
        header = self._header()
        found = header and _NAME.fullmatch(header.name)
        if header is None or not found or found["path"] != MANIFEST:
            raise self._refused("does not begin with the manifest of a release")
        self.digest = found["digest"]
        return header

    def extract(self, first: tarfile.TarInfo, folder: Path) -> None:
        """Read the rest: the release into ``folder``, named by its digest, and its statements beside that."""
        expected = self._manifest(first, folder)
        seen = {first.name}
        while (header := self._header()) is not None:
            if header.name in seen:
                raise self._refused(f"holds {header.name!r} twice")
            seen.add(header.name)
            self._extract(header, expected, folder.parent)
        missing = sorted(name for name, size in expected.items() if size is not None and name not in seen)
        if missing:
            raise self._refused(f"lacks {missing[0]!r}, which its manifest lists")

    def _header(self) -> tarfile.TarInfo | None:
        """The next header, which must be a regular file's; None at the end."""
        block = self.stream.read(_BLOCK)
        if block == bytes(_BLOCK):
            self._end()
            return None
        try:
            # Of one block alone: what announces a longer name or a sparse file is an entry, and no regular file.
            header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise self._refused(f"is no tar, or is cut off ({error})") from error
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise self._refused(f"holds {header.name!r}, which is no regular file but {_kind(header)}")
        if header.name.startswith("/") or ".." in header.name.split("/"):
            raise self._refused(f"holds {header.name!r}, a path that leads out of the release")
        if header.size < 0:
            raise self._refused(f"holds {header.name!r} of less than no bytes")
        return header

    def _end(self) -> None:
        while block := self.stream.read(_CHUNK):
            if block.strip(b"\0"):
                raise self._refused("holds something after its end")

    def _manifest(self, header: tarfile.TarInfo, folder: Path) -> dict[str, int | None]:
        """Size of each file that may follow, by its name in the archive; None for a statement."""
        if header.size > _MANIFEST_LIMIT:
            raise self._refused(f"has a manifest of {header.size:,} bytes; {_MANIFEST_LIMIT:,} are allowed")
        content = b"".join(self._content(header))
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise self._refused(f"names release {self.digest}, but its manifest has another sha256")
        folder.mkdir()
        (folder / MANIFEST).write_bytes(content)
        try:
            files: dict[str, Any] = json.loads(content)["files"]
            sizes: dict[str, int | None] = {f"{self.digest}/{name}": int(it["bytes"]) for name, it in files.items()}
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise self._refused("has a manifest that lists no files") from error
        return sizes | {self.digest + suffix: None for suffix in SUFFIXES}

    def _extract(self, header: tarfile.TarInfo, expected: dict[str, int | None], top: Path) -> None:
        if header.name not in expected:
            raise self._refused(f"holds {header.name!r}, which its manifest does not list")
        size = expected[header.name]
        if size is None and header.size > _STATEMENT_LIMIT:
            raise self._refused(f"holds {header.name!r} of {header.size:,} bytes; {_STATEMENT_LIMIT:,} are allowed")
        if size is not None and header.size != size:
            raise self._refused(f"holds {header.name!r} of {header.size:,} bytes; its manifest says {size:,}")
        target = top / header.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for chunk in self._content(header):
                file.write(chunk)

    def _content(self, header: tarfile.TarInfo) -> Iterator[bytes]:
        left = header.size
        while left:
            chunk = self.stream.read(min(left, _CHUNK))
            if not chunk:
                raise self._refused(f"is cut off within {header.name!r}")
            left -= len(chunk)
            yield chunk
        self.stream.read(-header.size % _BLOCK)

    def _refused(self, why: str) -> ArchiveRefused:
        return ArchiveRefused(f"{self.archive} {why}.", "Fetch it again from who packed it with `slipway pack`.")


def _kind(header: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.SYMTYPE: "a symbolic link",
        tarfile.LNKTYPE: "a hard link",
        tarfile.DIRTYPE: "a folder",
        tarfile.FIFOTYPE: "a pipe",
        tarfile.CHRTYPE: "a device",
        tarfile.BLKTYPE: "a device",
    }
    return kinds.get(header.type, f"an entry of type {header.type!r}")
