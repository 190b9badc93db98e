"""The ACME server's own certificate."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lab import acme, certificates


def test_its_certificate_is_for_its_address_and_signed_by_the_labs_authority(tmp_path: Path) -> None:
    text, key = acme.server_certificate(tmp_path / "ca")
    certificate = x509.load_pem_x509_certificate(text)
    authority_path, _key = certificates.ensure_authority(tmp_path / "ca")
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority_path.read_bytes()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(acme.ADDRESS)]
    private = serialization.load_pem_private_key(key, None)
    assert private.public_key() == certificate.public_key()
