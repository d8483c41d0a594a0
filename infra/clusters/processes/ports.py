"""The loopback forwarder: from ports of the machine's 127.0.0.1 to node ports, for people and their browsers.

It is a component of the node like the others, and so ends with it, but it works in the machine's network namespace.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

from infra.errors import PlatformError

LOOPBACK = "127.0.0.1"
CLONE_NEWNET = 0x40000000
CHUNK = 64 * 1024
"""Bytes."""
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def taken(ports: Mapping[int, int]) -> list[int]:
    """Those of the outer ports that somebody listens on."""
    return [port for port in ports if not _can_be_had(port)]


def _can_be_had(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def enter_network(namespace: int) -> None:
    """Move this process into the network namespace of an open file. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def forward(ports: Mapping[int, int], address: str, namespace: int | None = None) -> None:
    """Serve for ever: each loopback port to the same port of `address` that `ports` names."""
    if namespace is not None:
        enter_network(namespace)
        os.close(namespace)
    asyncio.run(_serve(ports, address))


async def _serve(ports: Mapping[int, int], address: str) -> None:
    servers = []
    for outer, inner in ports.items():
        try:
            servers.append(await asyncio.start_server(_forwarder(address, inner), LOOPBACK, outer))
        except OSError as error:
            raise PlatformError(f"{LOOPBACK}:{outer} cannot be had: {error}.", "Free it, or choose another.") from error
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _forwarder(address: str, port: int) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(address, port)
        except OSError:
            # Nothing serves there yet: the peer sees a closed connection, as without us.
            writer.transport.abort()
            return
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    return handle


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, and then say so to the other side, which may still be talking."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()
