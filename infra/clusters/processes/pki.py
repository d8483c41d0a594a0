"""Certificate authorities, certificates and kubeconfigs of one cluster.

The layout and the subjects are those of kubeadm ("PKI certificates and requirements" in the Kubernetes documentation).
Everything is made once; a certificate that expires soon, or that no longer names what it must, is made anew by the same
authority.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.certificates import private_pem, unsigned
from infra.clusters.processes.addressing import Ranges
from infra.files import write

AUTHORITY_LIFE = timedelta(days=3650)
CERTIFICATE_LIFE = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=60)
"""A node that runs for so long without a restart meets an expired certificate."""
CLOCK_SKEW = timedelta(minutes=5)

AUTHORITIES = ("ca", "etcd-ca", "front-proxy-ca")


@dataclass(frozen=True)
class Identity:
    """A certificate to be made.

    Attributes:
        name: of its two files.
        common_name: the user, for the API server.
        authority: which signs it.
        organization: the user's group, for the API server.
        serves: the host names and addresses of a server; none for a client.
        asks: whether it may also be a client's.
    """

    name: str
    common_name: str
    authority: str = "ca"
    organization: str | None = None
    serves: tuple[str, ...] = ()
    asks: bool = True


KUBECONFIGS = {
    "admin": "kubeconfig",
    "kube-controller-manager": "pki/kube-controller-manager.kubeconfig",
    "kube-scheduler": "pki/kube-scheduler.kubeconfig",
    "kube-proxy": "pki/kube-proxy.kubeconfig",
    "kubelet": "pki/kubelet.kubeconfig",
}
"""The file of each client of the API server, below the stack's cluster folder."""


def identities(node: str, ranges: Ranges) -> tuple[Identity, ...]:
    """All certificates of a cluster of one node with this name."""
    address, local = str(ranges.node), ("localhost", "127.0.0.1")
    api = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    return (
        Identity("apiserver", "kube-apiserver", serves=(*api, *local, node, address, str(ranges.api)), asks=False),
        Identity("apiserver-kubelet-client", "kube-apiserver-kubelet-client"),
        Identity("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
        Identity("etcd-server", "etcd", authority="etcd-ca", serves=local),
        Identity("etcd-client", "kube-apiserver", authority="etcd-ca"),
        Identity("admin", "slipway-admin", organization="system:masters"),
        Identity("kube-controller-manager", "system:kube-controller-manager"),
        Identity("kube-scheduler", "system:kube-scheduler"),
        Identity("kube-proxy", "system:kube-proxy"),
        Identity("kubelet", f"system:node:{node}", organization="system:nodes"),
        Identity("kubelet-server", f"system:node:{node}", organization="system:nodes", serves=(node, address)),
        Identity("volume-provisioner", "slipway:volume-provisioner"),
    )


def ensure(cluster: Path, node: str, ranges: Ranges, now: datetime | None = None) -> list[str]:
    """Make what is missing, damaged or soon expired under `<cluster>/pki`, and the kubeconfigs of what was made.

    Returns the names of what was made: empty when all was in order.
    """
    now = now or datetime.now(UTC)
    folder = cluster / "pki"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [name for name in AUTHORITIES if _make_authority(folder, name, now)]
    for identity in identities(node, ranges):
        if identity.authority in made or not _is_sound(folder, identity, now):
            _make_certificate(folder, identity, now)
            made.append(identity.name)
    if not _is_pair(folder / "service-account.key", folder / "service-account.pub"):
        _make_service_account_key(folder)
        made.append("service-account")
    for client, path in KUBECONFIGS.items():
        if client in made or not (cluster / path).exists():
            write(cluster / path, kubeconfig(folder, client, f"https://{ranges.node}:6443"))
    return made


def kubeconfig(folder: Path, client: str, server: str) -> str:
    """A kubeconfig that holds the client's key and certificate (JSON, which is YAML)."""
    named = {"certificate-authority": "ca.crt", "client-certificate": f"{client}.crt", "client-key": f"{client}.key"}
    data = {f"{key}-data": base64.b64encode((folder / file).read_bytes()).decode() for key, file in named.items()}
    cluster = {"server": server, "certificate-authority-data": data.pop("certificate-authority-data")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "slipway", "cluster": cluster}],
        "users": [{"name": client, "user": data}],
        "contexts": [{"name": "slipway", "context": {"cluster": "slipway", "user": client}}],
        "current-context": "slipway",
    }
    return json.dumps(config, indent=2) + "\n"


def _make_authority(folder: Path, name: str, now: datetime) -> bool:
    certificate = _certificate(folder / f"{name}.crt")
    if certificate and certificate.not_valid_after_utc - now > RENEWED_BEFORE and _is_pair_of(folder, name):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"slipway-{name}", None)
    usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
    builder = (
        unsigned(subject, subject, key.public_key(), (now - CLOCK_SKEW, now + AUTHORITY_LIFE))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    _write_pair(folder, name, key, builder.sign(key, hashes.SHA256()))
    return True


def _make_certificate(folder: Path, identity: Identity, now: datetime) -> None:
    authority = x509.load_pem_x509_certificate((folder / f"{identity.authority}.crt").read_bytes())
    signer = serialization.load_pem_private_key((folder / f"{identity.authority}.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] if identity.serves else []
    purposes += [ExtendedKeyUsageOID.CLIENT_AUTH] if identity.asks else []
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    subject = _name(identity.common_name, identity.organization)
    builder = (
        unsigned(subject, authority.subject, key.public_key(), (now - CLOCK_SKEW, now + CERTIFICATE_LIFE))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if identity.serves:
        names = x509.SubjectAlternativeName([_general_name(each) for each in identity.serves])
        builder = builder.add_extension(names, critical=False)
    _write_pair(folder, identity.name, key, builder.sign(signer, hashes.SHA256()))


def _is_sound(folder: Path, identity: Identity, now: datetime) -> bool:
    """Whether the pair exists, lasts, is signed by today's authority and names all that it must."""
    certificate = _certificate(folder / f"{identity.name}.crt")
    authority = _certificate(folder / f"{identity.authority}.crt")
    if certificate is None or authority is None or not _is_pair_of(folder, identity.name):
        return False
    if certificate.not_valid_after_utc - now <= RENEWED_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # the signature, the key's kind or the issuer's name: whichever, it is not ours
        return False
    return _served(certificate) >= set(identity.serves)


def _served(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _is_pair_of(folder: Path, name: str) -> bool:
    certificate = _certificate(folder / f"{name}.crt")
    return certificate is not None and _public_half(folder / f"{name}.key") == _spki(certificate.public_key())


def _is_pair(private: Path, public: Path) -> bool:
    half = _public_half(private)
    return half is not None and public.exists() and public.read_bytes() == half


def _public_half(private: Path) -> bytes | None:
    try:
        return _spki(serialization.load_pem_private_key(private.read_bytes(), None).public_key())
    except (FileNotFoundError, ValueError):
        return None


def _spki(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _make_service_account_key(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write(folder / "service-account.key", private_pem(key))
    write(folder / "service-account.pub", _spki(key.public_key()))


def _name(common_name: str, organization: str | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _write_pair(folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    write(folder / f"{name}.key", private_pem(key))
    write(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
