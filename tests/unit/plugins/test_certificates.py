# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._certificates import covers
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "impostor", "server")}


def certificate(
    hosts: t.Sequence[str] = ("a.example.com", "b.example.com"),
    issuer: str = "Authority",
    key: str = "authority",
    subject: str = "server",
    days: float = 90,
) -> str:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(KEYS.get(subject.lower(), KEYS["server"]).public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=365))
        .not_valid_after(now + datetime.timedelta(days=days))
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(KEYS[key], hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


HOSTS = ["b.example.com", "a.example.com"]
AUTHORITY = certificate((), subject="Authority")
CASES: dict[str, tuple[str, str, bool]] = {
    "as wanted, in any order": (certificate(), AUTHORITY, True),
    "a host lacking": (certificate(["a.example.com"]), AUTHORITY, False),
    "a host too many": (certificate([*HOSTS, "c.example.com"]), AUTHORITY, False),
    "no hosts": (certificate(()), AUTHORITY, False),
    "31 days left": (certificate(days=31), AUTHORITY, True),
    "29 days left": (certificate(days=29), AUTHORITY, False),
    "expired": (certificate(days=-1), AUTHORITY, False),
    "another issuer": (certificate(issuer="Other"), AUTHORITY, False),
    "same name, another key": (certificate(key="impostor"), AUTHORITY, False),
    "authority made anew": (certificate(), certificate((), subject="Authority", key="impostor"), True),
    "nothing yet": ("", AUTHORITY, False),
    "no certificate": ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", AUTHORITY, False),
    "no authority": (certificate(), "", False),
}


@pytest.mark.parametrize(("found", "authority", "expected"), CASES.values(), ids=CASES.keys())
def test_covers(found: str, authority: str, expected: bool) -> None:
    assert covers(found, HOSTS, authority) is expected


def test_days_are_the_callers() -> None:
    assert covers(certificate(days=5), HOSTS, AUTHORITY, days=3)
    assert not covers(certificate(days=90), HOSTS, AUTHORITY, days=100)
