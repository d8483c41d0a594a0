"""Batches as bytes on disk: each framed by a mark, its length and a checksum, so that a torn one is recognised.

A frame is ``MARK`` (4 bytes), the content's length and its CRC-32 (little-endian, 4 bytes each), and the content: the
MessagePack of (id, subject, records, body).
"""

from __future__ import annotations

import struct
import zlib

import msgspec

from slipway.request_log.events import Batch

MARK = b"\xf5SLW"
_HEAD = struct.Struct("<4sII")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def framed(batch: Batch) -> bytes:
    """The frame of a batch."""
    content = _encode(batch)
    return _HEAD.pack(MARK, len(content), zlib.crc32(content)) + content


def whole(data: bytes) -> tuple[list[Batch], int]:
    """The batches of all whole frames in ``data``, in order, and how many bytes belong to none.

    After a damaged frame it goes on at the next whole one, so that one bad sector costs one batch.
    """
    batches, at, lost = [], 0, 0
    while at < len(data):
        found = _frame(data, at)
        if found is None:
            following = data.find(MARK, at + 1)
            following = len(data) if following < 0 else following
            lost += following - at
            at = following
        else:
            batch, at = found
            batches.append(batch)
    return batches, lost


def _frame(data: bytes, at: int) -> tuple[Batch, int] | None:
    if len(data) - at < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    content = data[at + _HEAD.size : end]
    if mark != MARK or end > len(data) or zlib.crc32(content) != checksum:
        return None
    try:
        return _decode(content), end
    except msgspec.DecodeError:
        return None
