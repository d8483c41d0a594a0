from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.bootstrap.generated import RENEW_BEFORE, CertificateProvider, PasswordProvider, SigningKeyProvider

NAMES = ["seldon-webhook-service.seldon-system.svc"]


def test_passwords_are_long_random_and_need_no_quoting() -> None:
    made = [PasswordProvider().create({"length": 40.0}).outs["value"] for _ in range(20)]
    assert len(set(made)) == 20
    assert all(len(one) == 40 and one.isalnum() and one.isascii() for one in made)


def test_a_password_stays_until_another_length_is_wanted() -> None:
    made = PasswordProvider().create({"length": 40.0})
    assert not PasswordProvider().diff(made.id, made.outs, {"length": 40.0, "value": None}).changes
    assert PasswordProvider().diff(made.id, made.outs, {"length": 50.0, "value": None}).replaces == ["length"]


def test_git_signs_with_the_key_and_verifies_with_its_public_half(tmp_path: Path) -> None:
    made = SigningKeyProvider().create({"owner": "robot@example.org"}).outs
    key, signers = tmp_path / "id_ed25519", tmp_path / "allowed_signers"
    key.write_text(made["private"])
    key.chmod(0o600)
    signers.write_text(f"robot@example.org {made['public']}\n")
    options = {"gpg.format": "ssh", "user.signingkey": str(key), "gpg.ssh.allowedSignersFile": str(signers)}
    options |= {"user.name": "Robot", "user.email": "robot@example.org"}
    git = ["git", "-C", str(tmp_path), *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--gpg-sign", "--message=signed"], check=True)
    shown = subprocess.run([*git, "log", "-1", "--format=%G? %GS"], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "G robot@example.org"


def test_the_signing_key_stays_until_its_owner_changes() -> None:
    provider = SigningKeyProvider()
    made = provider.create({"owner": "a@example.org"})
    assert not provider.diff(made.id, made.outs, {"owner": "a@example.org"}).changes
    assert provider.diff(made.id, made.outs, {"owner": "b@example.org"}).replaces == ["owner"]
    assert provider.create({"owner": "a@example.org"}).outs["public"] != made.outs["public"]


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
