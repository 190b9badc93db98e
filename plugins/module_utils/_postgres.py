# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance lacks of its roles, databases and extensions, and what must not be done to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import typing as t

# What pg_authid says of a role that may sign in and nothing else.
OWNER_ATTRIBUTES: t.Mapping[str, t.Any] = {
    "rolcanlogin": True,
    "rolsuper": False,
    "rolcreatedb": False,
    "rolcreaterole": False,
    "rolreplication": False,
    "rolbypassrls": False,
    "rolconnlimit": -1,
    "expires": False,
}
# What an entry of postgres_databases need not say: Ansible checks a role's nested defaults and does not fill them in.
DATABASE_DEFAULTS: t.Mapping[str, t.Any] = {
    "instance": "main",
    "extensions": [],
    "import": None,
    "import_from": "controller",
}
# Marks a database whose dump has been imported; a setting of the database, since its comment is the user's.
IMPORTED = "berth.imported"


def complete(databases: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return databases with all keys."""
    return [{**DATABASE_DEFAULTS, **{k: v for k, v in item.items() if v is not None}} for item in databases]


def plan(desired: t.Sequence[t.Mapping[str, t.Any]], server: t.Mapping[str, t.Any]) -> dict[str, list[t.Any]]:
    """Return what to make: ``roles``, ``databases``, ``private`` (open to PUBLIC), ``extensions`` and ``imports``.

    ``desired``: databases with ``name``, ``owner``, ``password``, ``extensions``, ``import``, ``import_from``.
    ``server``: ``roles`` and ``databases`` as ``postgres_look`` returns them.
    """
    databases, found_roles = server.get("databases") or {}, server.get("roles") or {}
    roles = {item["owner"]: item["password"] for item in desired}
    imports = [item for item in desired if awaits_import(item, databases.get(item["name"]))]
    others = [item for item in desired if item not in imports]
    return {
        "roles": [
            {"name": name, "password": password}
            for name, password in roles.items()
            if not _role_is_right(found_roles.get(name))
        ],
        "databases": [
            {"name": item["name"], "owner": item["owner"]}
            for item in others
            if (databases.get(item["name"]) or {}).get("owner") != item["owner"]
        ],
        "private": [
            item["name"] for item in others if _is_public((databases.get(item["name"]) or {}).get("access_priv"))
        ],
        "extensions": [
            {"database": item["name"], **extension}
            for item in others
            for extension in map(extension_of, item.get("extensions") or ())
            if not _extension_is_right(extension, (databases.get(item["name"]) or {}).get("extensions") or {})
        ],
        "imports": [
            {k: item[k] for k in ("name", "owner", "password", "extensions", "import", "import_from")}
            for item in imports
        ],
    }


def refusals(instance: str, wanted: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> list[str]:
    """Return why an instance must not be touched, a message each: data of another version, a dump over tables.

    ``wanted``: ``version``, ``os``, ``databases`` (``name``, ``import``). ``found``: what the look found of it.
    """
    key = f"postgres_instances.{instance}"
    messages = []
    major = wanted["version"].partition(".")[0]
    if found.get("data_version") and found["data_version"] != major:
        messages.append(
            f"{key}.version: found data of Postgres {found['data_version']} on the server, expected data of {major}. "
            f"A major version does not read another one's data. Set version to {found['data_version']!r} again, or "
            "make a second instance and import a dump into it (docs/how-to/import-a-dump.md)."
        )
    if found.get("data_version") and found.get("os") and found["os"] != wanted["os"]:
        messages.append(
            f"{key}.os: found data sorted by {found['os']}'s C library, expected {wanted['os']}'s. Another one sorts "
            f"text differently, which corrupts indexes. Set os to {found['os']}, or make a second instance and import "
            "a dump into it (docs/how-to/import-a-dump.md)."
        )
    for item in wanted["databases"]:
        database = (found.get("databases") or {}).get(item["name"])
        found_tables = (database or {}).get("tables")
        if awaits_import(item, database) and found_tables:
            messages.append(
                f"database {item['name']} of instance {instance}: import: found {found_tables} tables in it, "
                "expected none: a dump is imported into a new database only. Remove import, or drop the database."
            )
    return messages


def look_at(
    instances: t.Mapping[str, t.Any], databases: t.Sequence[t.Mapping[str, t.Any]], image_os: str
) -> dict[str, t.Any]:
    """Return what ``postgres_look`` is to look at: ``instances``, and the ``passwords`` of their roles."""
    return {
        "instances": {
            name: {
                "version": str((settings or {}).get("version")),
                "os": (settings or {}).get("os") or image_os,
                "databases": [
                    {"name": item["name"], "import": bool(item.get("import"))}
                    for item in databases
                    if item["instance"] == name
                ],
            }
            for name, settings in instances.items()
        },
        "passwords": {
            name: {item["owner"]: item["password"] for item in databases if item["instance"] == name}
            for name in instances
        },
    }


def awaits_import(item: t.Mapping[str, t.Any], database: t.Mapping[str, t.Any] | None) -> bool:
    """Tell whether a database's dump is still to be imported."""
    return bool(item.get("import")) and not (database or {}).get("imported")


def extension_of(text: str) -> dict[str, str]:
    """Read an extension: ``vector``, or ``vector=0.8.0`` when it is to be brought to a version."""
    name, _equals, version = text.partition("=")
    return {"name": name, "version": version}


def _extension_is_right(extension: t.Mapping[str, str], found: t.Mapping[str, str]) -> bool:
    version = found.get(extension["name"])
    return version is not None and extension["version"] in ("", version)


def _role_is_right(found: t.Mapping[str, t.Any] | None) -> bool:
    if not found or not found["password_matches"]:
        return False
    return all(found[attribute] == value for attribute, value in OWNER_ATTRIBUTES.items())


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
