"""Passwords, a key and a certificate that are made once, kept in Pulumi's state as secrets, and stay as they are."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from infra.certificates import private_pem, unsigned

LIFETIME = timedelta(days=3650)
RENEW_BEFORE = timedelta(days=60)
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class PasswordProvider(ResourceProvider):
    """Makes a password when it is created, and never changes it unless another length is asked for."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Letters and digits alone: a password may end up in a URL or in a configuration file's quotes."""
        value = "".join(secrets.choice(_ALPHABET) for _ in range(int(props["length"])))
        return CreateResult(secrets.token_hex(8), {"length": props["length"], "value": value})

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Another length is another password."""
        changed = int(olds["length"]) != int(news["length"])
        return DiffResult(changes=changed, replaces=["length"] if changed else [])


class Password(Resource):
    """A random password of letters and digits."""

    value: pulumi.Output[str]

    def __init__(self, name: str, length: int = 40, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(PasswordProvider(), name, {"length": length, "value": None}, _merge(opts, secret))


class SigningKeyProvider(ResourceProvider):
    """Makes a key of Ed25519 in OpenSSH's formats when it is created, and never changes it."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """The public key is one line, and ends in the name of its owner."""
        key = ed25519.Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        owner = props["owner"]
        return CreateResult(
            secrets.token_hex(8),
            {"owner": owner, "private": private.decode(), "public": f"{public.decode()} {owner}"},
        )

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Another owner is another key."""
        changed = olds["owner"] != news["owner"]
        return DiffResult(changes=changed, replaces=["owner"] if changed else [])


class SigningKey(Resource):
    """A key with which commits are signed (`gpg.format=ssh`)."""

    private: pulumi.Output[str]
    """In OpenSSH's format; a secret."""
    public: pulumi.Output[str]
    """As in a file `allowed_signers` after the principal: `ssh-ed25519 AAAA... owner`."""

    def __init__(self, name: str, owner: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """`owner` is an e-mail address, that of the committer."""
        secret = pulumi.ResourceOptions(additional_secret_outputs=["private"])
        props = {"owner": owner, "private": None, "public": None}
        super().__init__(SigningKeyProvider(), name, props, _merge(opts, secret))


class CertificateProvider(ResourceProvider):
    """Makes an authority and one certificate of it, anew when their end is near; the authority's key is forgotten."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        return CreateResult(secrets.token_hex(8), issue(list(props["dns_names"])))

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        renewal = datetime.fromisoformat(olds["expires"]) - RENEW_BEFORE
        return DiffResult(changes=list(olds["dns_names"]) != list(news["dns_names"]) or datetime.now(UTC) > renewal)

    def update(self, _id: str, _olds: Mapping[str, Any], news: Mapping[str, Any]) -> UpdateResult:
        return UpdateResult(issue(list(news["dns_names"])))


class ServingCertificate(Resource):
    """A certificate with which a service in the cluster identifies itself, and the authority that callers trust."""

    authority: pulumi.Output[str]
    """PEM of the authority's certificate."""
    certificate: pulumi.Output[str]
    """PEM of the certificate."""
    key: pulumi.Output[str]
    """PEM of its private key; a secret."""

    def __init__(self, name: str, dns_names: Sequence[str], opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["key"])
        made_by_provider = dict.fromkeys(("authority", "certificate", "key", "expires"))
        props = {"dns_names": list(dns_names), **made_by_provider}
        super().__init__(CertificateProvider(), name, props, _merge(opts, secret))


def issue(dns_names: list[str]) -> dict[str, Any]:
    """An authority and a server certificate of it (ECDSA P-256), each valid for ten years from now.

    Returns:
        dns_names, authority, certificate, key (PEM), expires (ISO 8601)
    """
    start = datetime.now(UTC) - timedelta(minutes=5)
    expires = start + LIFETIME
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name(f"{dns_names[0]} authority")
    validity = (start, expires)
    authority = (
        unsigned(authority_name, authority_name, authority_key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        unsigned(_name(dns_names[0]), authority_name, key.public_key(), validity)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    return {
        "dns_names": dns_names,
        "authority": authority.public_bytes(serialization.Encoding.PEM).decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key": private_pem(key).decode(),
        "expires": expires.isoformat(),
    }


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _merge(opts: pulumi.ResourceOptions | None, more: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, more) if opts else more
