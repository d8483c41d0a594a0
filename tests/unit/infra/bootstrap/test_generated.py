from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.bootstrap.generated import RENEW_BEFORE, CertificateProvider, PasswordProvider

NAMES = ["seldon-webhook-service.seldon-system.svc"]


def test_passwords_are_long_random_and_need_no_quoting() -> None:
    made = [PasswordProvider().create({"length": 40.0}).outs["value"] for _ in range(20)]
    assert len(set(made)) == 20
    assert all(len(one) == 40 and one.isalnum() and one.isascii() for one in made)


def test_a_password_stays_until_another_length_is_wanted() -> None:
    made = PasswordProvider().create({"length": 40.0})
    assert not PasswordProvider().diff(made.id, made.outs, {"length": 40.0, "value": None}).changes
    assert PasswordProvider().diff(made.id, made.outs, {"length": 50.0, "value": None}).replaces == ["length"]


def test_the_certificate_is_one_of_its_authority_for_the_service() -> None:
    made = CertificateProvider().create({"dns_names": NAMES}).outs
    authority = x509.load_pem_x509_certificate(made["authority"].encode())
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    certificate.verify_directly_issued_by(authority)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.DNSName) == NAMES
    assert certificate.public_key() == load_pem_private_key(made["key"].encode(), None).public_key()
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_certificate_stays_until_its_end_is_near_or_its_names_change() -> None:
    provider = CertificateProvider()
    made = provider.create({"dns_names": NAMES})
    assert not provider.diff(made.id, made.outs, {"dns_names": NAMES}).changes
    assert provider.diff(made.id, made.outs, {"dns_names": ["other.svc"]}).changes
    near = (datetime.now(UTC) + RENEW_BEFORE - timedelta(minutes=1)).isoformat()
    assert provider.diff(made.id, {**made.outs, "expires": near}, {"dns_names": NAMES}).changes
    renewed = provider.update(made.id, made.outs, {"dns_names": NAMES}).outs
    assert renewed["certificate"] != made.outs["certificate"]
