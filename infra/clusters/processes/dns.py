"""One question to a name server, as a pod would ask it (RFC 1035), since the machine's own resolver asks others."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address

PORT = 53
TIMEOUT = 1.0
"""Seconds."""
QUESTION = 0x5117
"""The identifier that the answer repeats."""
RECURSION_DESIRED = 0x0100
ADDRESS_RECORD = 1
INTERNET = 1


def answers(server: IPv4Address, name: str, address: IPv4Address) -> bool:
    """Whether the server answers that the name has this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TIMEOUT)
        try:
            client.connect((str(server), PORT))
            client.send(query(name))
            answer = client.recv(512)
        except OSError:
            return False
    return answer.startswith(struct.pack(">H", QUESTION)) and answer.endswith(address.packed)


def query(name: str) -> bytes:
    """A datagram that asks for the name's IPv4 address."""
    header = struct.pack(">6H", QUESTION, RECURSION_DESIRED, 1, 0, 0, 0)
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return header + labels + b"\0" + struct.pack(">2H", ADDRESS_RECORD, INTERNET)
