# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate still serves: the right names, the right issuer, enough days left."""

from __future__ import annotations

import datetime
import typing as t


def covers(certificate: str, hosts: t.Sequence[str], authority: str, days: int = 30) -> bool:
    """Tell whether a PEM certificate is for exactly these hosts, signed by this authority, and valid for ``days`` more.

    An empty or unreadable certificate does not serve.
    """
    # Only the controller needs this library, and only roles that issue certificates.
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode()))
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    return sorted(names) == sorted(hosts) and left > datetime.timedelta(days=days)
