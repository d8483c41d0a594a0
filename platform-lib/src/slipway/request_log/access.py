"""Connecting to NATS: by URL, with a user's credentials, over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import TYPE_CHECKING, Any

from slipway.errors import EnvironmentFault
from slipway.request_log.settings import Access

if TYPE_CHECKING:
    from nats.aio.client import Client

log = logging.getLogger("slipway.request_log")

PING_SECONDS = 10
_CLOSE_SECONDS = 1.0
_PARTS = ("-----BEGIN NATS USER JWT-----", "-----BEGIN USER NKEY SEED-----")


class PlaintextRefused(Exception):
    """The server offers no TLS where TLS is a must; nothing was sent to it."""


def check(access: Access) -> None:
    """See that the files of ``access`` can be used, so that a fault is told at once and not at each connection.

    Raises:
        EnvironmentFault: naming the file.
    """
    _tls(access)
    if access.credentials is None:
        return
    remedy = "Name the .creds file of a user, as `nsc generate creds` writes it."
    try:
        content = access.credentials.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFault(f"The NATS credentials {access.credentials} cannot be read: {error}.", remedy) from error
    if not all(part in content for part in _PARTS):
        raise EnvironmentFault(f"{access.credentials} does not hold a user's JWT and seed.", remedy)


async def connect(access: Access, seconds: int) -> Client:
    """A connection that does not reconnect, made within ``seconds``; it notices in half a minute when it is dead.

    The files are read each time, so that renewed ones are taken up.

    Raises:
        PlaintextRefused: when TLS is a must and the server offers none.
    """
    from nats.aio.client import Client

    class Guarded(Client):
        """The client of nats-py goes on in plain text when a tls:// server says that it needs no TLS."""

        async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
            if access.needs_tls and not info.get("tls_required"):
                raise PlaintextRefused("the server offers no TLS")
            await super()._process_info(info, initial_connection)

    async def ignore(error: Exception) -> None:
        log.debug("NATS: %s", type(error).__name__)

    client = Guarded()
    try:
        await client.connect(
            list(access.servers), error_cb=ignore, allow_reconnect=False, connect_timeout=seconds,
            max_reconnect_attempts=1, reconnect_time_wait=0, ping_interval=PING_SECONDS,
            max_outstanding_pings=2, name="slipway", tls=_tls(access),
            user_credentials=None if access.credentials is None else str(access.credentials),
        )  # fmt: skip
    except BaseException:
        # After a failed TLS handshake, closing waits for ever for a transport that is gone.
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), _CLOSE_SECONDS)
        raise
    return client


def _tls(access: Access) -> ssl.SSLContext | None:
    if not access.needs_tls:
        return None
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise EnvironmentFault(
            f"The certificates in {access.ca_file} cannot be used: {error}.",
            "Name the PEM file of the authority that signed the certificate of NATS.",
        ) from error
