"""The lab's authority and SSH key."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lab import certificates


def test_authority(tmp_path: Path) -> None:
    certificate_path, key_path = certificates.ensure_authority(tmp_path / "ca")
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime >= datetime.timedelta(days=3650)
    certificate.verify_directly_issued_by(certificate)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600


def test_authority_is_made_once(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in certificates.ensure_authority(tmp_path)]
    assert [path.read_bytes() for path in certificates.ensure_authority(tmp_path)] == first


def test_authority_is_made_anew_when_half_of_it_is_gone(tmp_path: Path) -> None:
    certificate_path, key_path = certificates.ensure_authority(tmp_path)
    before = certificate_path.read_bytes()
    key_path.unlink()
    certificates.ensure_authority(tmp_path)
    assert key_path.exists()
    assert certificate_path.read_bytes() != before


def test_ssh_identity(tmp_path: Path) -> None:
    path = tmp_path / "ssh/id_ed25519"
    public = certificates.ensure_ssh_identity(path)
    assert public.startswith("ssh-ed25519 ")
    assert certificates.ensure_ssh_identity(path) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
