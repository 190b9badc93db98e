# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles, databases and extensions an instance lacks, from what ``postgresql_info`` and ``pg_authid`` say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import typing as t


def plan(
    desired: t.Sequence[t.Mapping[str, t.Any]], info: t.Mapping[str, t.Any], passwords: t.Mapping[str, str | None]
) -> dict[str, list[t.Any]]:
    """Return what to make: ``roles``, ``databases``, ``private`` (databases open to PUBLIC) and ``extensions``.

    ``desired``: databases with ``name``, ``owner``, ``password``, ``extensions``. ``info``: ``databases`` as
    community.postgresql.postgresql_info returns them. ``passwords``: role -> ``rolpassword`` of ``pg_authid``.
    """
    databases = info.get("databases") or {}
    roles = {item["owner"]: item["password"] for item in desired}
    return {
        "roles": [
            {"name": name, "password": password}
            for name, password in roles.items()
            if not scram_matches(password, passwords.get(name))
        ],
        "databases": [
            {"name": item["name"], "owner": item["owner"]}
            for item in desired
            if databases.get(item["name"], {}).get("owner") != item["owner"]
        ],
        "private": [
            item["name"] for item in desired if _is_public((databases.get(item["name"]) or {}).get("access_priv"))
        ],
        "extensions": [
            {"database": item["name"], "name": extension}
            for item in desired
            for extension in item.get("extensions") or ()
            if extension not in ((databases.get(item["name"]) or {}).get("extensions") or {})
        ],
    }


def scram_matches(password: str, stored: str | None) -> bool:
    """Tell whether ``pg_authid.rolpassword`` was made from this password (RFC 5803, RFC 5802 section 3).

    Printable ASCII needs no SASLprep; other passwords that SASLprep would change count as different.
    """
    try:
        scheme, parameters, keys = (stored or "").split("$")
        iterations, salt = parameters.split(":")
        stored_key = base64.b64decode(keys.split(":")[0])
        if scheme != "SCRAM-SHA-256":
            return False
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    client_key = hmac.new(salted, b"Client Key", "sha256").digest()
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


def _is_public(access: str | None) -> bool:
    """Tell whether PUBLIC may connect: an entry without a grantee's name, or no list at all (the default)."""
    if not access:
        return True
    entries = (entry.partition("/")[0] for entry in access.strip("{}").replace("\n", ",").split(","))
    return any(entry.startswith("=") and "c" in entry for entry in entries)
