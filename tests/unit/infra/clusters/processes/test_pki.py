"""Certificates that Kubernetes takes: made once, and again when they expire or are damaged."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.clusters.processes import pki
from infra.clusters.processes.addressing import Ranges

NODE = "slipway-local"
RANGES = Ranges.numbered(200)
EVERYTHING = {*pki.AUTHORITIES, *(each.name for each in pki.identities(NODE, RANGES)), "service-account"}


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    assert set(pki.ensure(tmp_path, NODE, RANGES)) == EVERYTHING
    return tmp_path


def test_a_second_call_makes_nothing(cluster: Path) -> None:
    before = _contents(cluster)
    assert pki.ensure(cluster, NODE, RANGES) == []
    assert _contents(cluster) == before


def test_nothing_is_readable_by_others(cluster: Path) -> None:
    assert (cluster / "pki").stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in (cluster / "pki").iterdir())
    assert (cluster / "kubeconfig").stat().st_mode & 0o077 == 0


def test_the_api_server_is_known_by_each_of_its_names(cluster: Path) -> None:
    names = _certificate(cluster, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert {str(each) for each in names.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1", "172.31.200.2", "10.200.128.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "user", "group"),
    [
        ("admin", "slipway-admin", "system:masters"),
        ("kubelet", "system:node:slipway-local", "system:nodes"),
        ("kube-scheduler", "system:kube-scheduler", None),
    ],
)
def test_clients_are_who_kubernetes_expects(cluster: Path, name: str, user: str, group: str | None) -> None:
    subject = _certificate(cluster, name).subject
    assert [each.value for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]
    groups = [each.value for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert groups == ([group] if group else [])


def test_a_server_is_no_client_and_a_client_no_server(cluster: Path) -> None:
    assert _purposes(cluster, "apiserver") == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert _purposes(cluster, "admin") == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_each_is_signed_by_its_own_authority_only(cluster: Path) -> None:
    for identity in pki.identities(NODE, RANGES):
        certificate = _certificate(cluster, identity.name)
        certificate.verify_directly_issued_by(_certificate(cluster, identity.authority))
        for other in set(pki.AUTHORITIES) - {identity.authority}:
            with pytest.raises(ValueError, match="does not match"):
                certificate.verify_directly_issued_by(_certificate(cluster, other))


def test_what_expires_soon_is_renewed_by_the_same_authority(cluster: Path) -> None:
    authority = (cluster / "pki/ca.crt").read_bytes()
    later = datetime.now(UTC) + pki.CERTIFICATE_LIFE - pki.RENEWED_BEFORE + timedelta(hours=1)
    made = pki.ensure(cluster, NODE, RANGES, now=later)
    assert set(made) == {each.name for each in pki.identities(NODE, RANGES)}
    assert (cluster / "pki/ca.crt").read_bytes() == authority
    assert _certificate(cluster, "admin").not_valid_after_utc > later + timedelta(days=300)


def test_the_kubeconfig_follows_a_renewed_certificate(cluster: Path) -> None:
    (cluster / "pki/admin.crt").unlink()
    assert pki.ensure(cluster, NODE, RANGES) == ["admin"]
    user = json.loads((cluster / "kubeconfig").read_text())["users"][0]["user"]
    assert base64.b64decode(user["client-certificate-data"]) == (cluster / "pki/admin.crt").read_bytes()


def test_an_expired_authority_takes_all_that_it_signed_along(cluster: Path) -> None:
    later = datetime.now(UTC) + pki.AUTHORITY_LIFE
    assert set(pki.ensure(cluster, NODE, RANGES, now=later)) == EVERYTHING - {"service-account"}


@pytest.mark.parametrize("damage", [b"", b"not a certificate"])
@pytest.mark.parametrize("name", ["apiserver.crt", "apiserver.key"])
def test_a_damaged_file_is_made_anew(cluster: Path, name: str, damage: bytes) -> None:
    (cluster / "pki" / name).write_bytes(damage)
    assert pki.ensure(cluster, NODE, RANGES) == ["apiserver"]


def test_a_key_of_another_certificate_is_no_pair(cluster: Path) -> None:
    (cluster / "pki/admin.key").write_bytes((cluster / "pki/kubelet.key").read_bytes())
    assert pki.ensure(cluster, NODE, RANGES) == ["admin"]


def test_other_addresses_ask_for_other_server_certificates(cluster: Path) -> None:
    assert set(pki.ensure(cluster, NODE, Ranges.numbered(201))) == {"apiserver", "kubelet-server"}


def test_a_damaged_service_account_key_is_made_anew(cluster: Path) -> None:
    (cluster / "pki/service-account.pub").write_text("other")
    assert pki.ensure(cluster, NODE, RANGES) == ["service-account"]


def test_openssl_takes_the_administrators_pair(cluster: Path) -> None:
    context = ssl.create_default_context(cafile=str(cluster / "pki/ca.crt"))
    context.load_cert_chain(cluster / "pki/admin.crt", cluster / "pki/admin.key")


def _certificate(cluster: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((cluster / "pki" / f"{name}.crt").read_bytes())


def _purposes(cluster: Path, name: str) -> list[x509.ObjectIdentifier]:
    return list(_certificate(cluster, name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def _contents(cluster: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in cluster.rglob("*") if file.is_file()}
