"""The real nats-server with users by JWT and with a certificate of an authority made here: who may in, and how."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nats.errors import Error as NatsError
from nats.errors import NoServersError

from slipway.errors import EnvironmentFault
from slipway.request_log import RequestLog, Settings
from slipway.request_log.access import PlaintextRefused, check, connect
from slipway.request_log.collector import Source, run
from slipway.request_log.partitions import answers
from slipway.request_log.settings import Access
from tests.nats_server import NatsServer
from tests.request_records import SERVED
from tests.request_records import answers as records

UNLIMITED = dict.fromkeys(("subs", "conn", "leaf", "imports", "exports", "data", "payload"), -1)
STORAGE = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
FREE = {"pub": {}, "sub": {}}


def key(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(bytearray(nkeys.encode_seed(os.urandom(32), prefix)))


def public(pair: nkeys.KeyPair) -> str:
    return bytes(pair.public_key).decode()


def jwt(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, claims: dict[str, object]) -> str:
    """A token of NATS, version 2: ``issuer`` says ``claims`` of ``subject``."""

    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    body = {"jti": public(subject), "iat": int(time.time()), "iss": public(issuer), "sub": public(subject)}
    head = part({"typ": "JWT", "alg": "ed25519-nkey"}) + "." + part(body | {"nats": claims | {"version": 2}})
    return head + "." + base64.urlsafe_b64encode(issuer.sign(head.encode())).decode().rstrip("=")


class Realm:
    """An operator with one account (and the system's) and a server's configuration that trusts it."""

    def __init__(self) -> None:
        operator = key(nkeys.PREFIX_BYTE_OPERATOR)
        self._account, system = key(nkeys.PREFIX_BYTE_ACCOUNT), key(nkeys.PREFIX_BYTE_ACCOUNT)

        def account(pair: nkeys.KeyPair, limits: dict[str, int]) -> str:
            said = {"type": "account", "limits": limits | {"wildcards": True}, "default_permissions": FREE}
            return f"{public(pair)}: {jwt(operator, pair, said)}"

        self.config = (
            f"operator: {jwt(operator, operator, {'type': 'operator'})}\nsystem_account: {public(system)}\n"
            f"resolver: MEMORY\nresolver_preload: {{\n{account(self._account, UNLIMITED | STORAGE)}\n"
            f"{account(system, UNLIMITED)}\n}}\n"
        )

    def credentials(self, file: Path) -> Path:
        """The .creds file of a new user."""
        user = key(nkeys.PREFIX_BYTE_USER)
        token = jwt(self._account, user, {"type": "user", "subs": -1, "data": -1, "payload": -1, **FREE})
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{bytes(user.seed).decode()}\n------END USER NKEY SEED------\n"
        )
        return file


def authority(folder: Path) -> tuple[Path, str]:
    """The file of a new authority, and the configuration of a server with its certificate for 127.0.0.1."""
    folder.mkdir()
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "nats")]

    def certificate(which: int, extension: x509.ExtensionType) -> bytes:
        made = x509.CertificateBuilder().issuer_name(names[0]).subject_name(names[which])
        made = made.public_key(keys[which].public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
        made = made.add_extension(extension, critical=which == 0)
        return made.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    (folder / "ca.pem").write_bytes(certificate(0, x509.BasicConstraints(ca=True, path_length=None)))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    (folder / "cert.pem").write_bytes(certificate(1, address))
    form, secrecy = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, form, secrecy))
    return folder / "ca.pem", f'tls {{ cert_file: "{folder}/cert.pem", key_file: "{folder}/key.pem" }}\n'


def reach(access: Access) -> None:
    """Connect, and have a message go round."""

    async def round_trip() -> None:
        client = await connect(access, 5)
        try:
            await client.flush(5)
        finally:
            await client.close()

    asyncio.run(asyncio.wait_for(round_trip(), 20))


def over_tls(server: NatsServer) -> tuple[str, ...]:
    return (f"tls://127.0.0.1:{server.port}",)


def test_records_go_to_a_server_with_users_and_tls_and_back(tmp_path: Path) -> None:
    ca, tls = authority(tmp_path / "pki")
    realm = Realm()
    credentials = realm.credentials(tmp_path / "user.creds")
    with NatsServer(tmp_path / "nats", tls + realm.config) as server:
        access = {"servers": over_tls(server), "credentials": credentials, "ca_file": ca}

        async def publish() -> None:
            log = RequestLog(Settings(spool=tmp_path / "spool", **access), SERVED)
            await log.start()
            for record in records(20):
                log.answered(record)
            while log.counts()["published"] + log.counts()["replayed"] < 20:
                await asyncio.sleep(0.05)
            await log.close(5)

        asyncio.run(asyncio.wait_for(publish(), 60))
        counts, _ = run(Source(**access), tmp_path / "collected", None)
    assert counts.answers == answers(tmp_path / "collected").collect().height == 20


def test_only_the_operator_s_users_are_let_in(tmp_path: Path) -> None:
    realm = Realm()
    with NatsServer(tmp_path / "nats", realm.config) as server:
        reach(Access((server.url,), realm.credentials(tmp_path / "good.creds")))
        for access in (Access((server.url,)), Access((server.url,), Realm().credentials(tmp_path / "other.creds"))):
            with pytest.raises((NatsError, NoServersError)):
                reach(access)


def test_renewed_credentials_are_taken_up_by_the_next_connection(tmp_path: Path) -> None:
    realm, access = Realm(), Access((), Realm().credentials(tmp_path / "user.creds"))
    with NatsServer(tmp_path / "nats", realm.config) as server:
        access = access._replace(servers=(server.url,))
        with pytest.raises((NatsError, NoServersError)):
            reach(access)
        realm.credentials(tmp_path / "user.creds")
        reach(access)


@pytest.mark.parametrize("scheme", ["tls", "nats"])
def test_a_server_is_taken_for_what_its_certificate_says(tmp_path: Path, scheme: str) -> None:
    ca, tls = authority(tmp_path / "pki")
    other, _ = authority(tmp_path / "other")
    with NatsServer(tmp_path / "nats", tls) as server:
        reach(Access((f"{scheme}://127.0.0.1:{server.port}",), None, ca))
        for wrong in (other, None):
            with pytest.raises(Exception, match=r"CERTIFICATE_VERIFY_FAILED|no servers") as raised:
                reach(Access((f"{scheme}://127.0.0.1:{server.port}",), None, wrong))
            assert "certificate" in str(raised.value).lower() or isinstance(raised.value, NoServersError)
        with pytest.raises(Exception, match=r"no servers|match|verify"):
            reach(Access((f"{scheme}://localhost:{server.port}",), None, ca))


@pytest.mark.parametrize(
    "how", [lambda ca: (("tls",), None), lambda ca: (("nats",), ca), lambda ca: (("nats", "tls"), None)]
)
def test_nothing_is_said_to_a_server_that_offers_no_tls_where_it_is_a_must(
    tmp_path: Path, how: Callable[[Path], tuple[tuple[str, ...], Path | None]]
) -> None:
    """The password in the URL would go out in plain text, and with it all records."""
    ca, _ = authority(tmp_path / "pki")
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10)
        port = door.getsockname()[1]

        def listen() -> None:
            connection, _ = door.accept()
            with connection:
                connection.sendall(
                    b'INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"headers":true}\r\n'
                )
                while chunk := connection.recv(4096):
                    heard.extend(chunk)

        listening = threading.Thread(target=listen)
        listening.start()
        schemes, ca_file = how(ca)
        with pytest.raises((PlaintextRefused, NoServersError)):
            reach(Access(tuple(f"{scheme}://user:" + f"secret@127.0.0.1:{port}" for scheme in schemes), None, ca_file))
    listening.join(20)
    assert bytes(heard) == b""


@pytest.mark.parametrize("content", [None, "", "-----BEGIN NATS USER JWT-----\nx", b"\xff\xfe"])
def test_credentials_that_are_none_are_told_before_anything_is_sent(
    tmp_path: Path, content: str | bytes | None
) -> None:
    file = tmp_path / "user.creds"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EnvironmentFault, match=r"user\.creds"):
        RequestLog(Settings(spool=tmp_path / "spool", credentials=file), SERVED)
    with pytest.raises(EnvironmentFault, match=r"user\.creds"):
        run(Source(credentials=file), tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authority_that_is_none_is_told_too(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(EnvironmentFault, match=r"ca\.pem"):
        check(Access(("nats://127.0.0.1:4222",), None, file))
