# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in the role traefik's variables that their types cannot show."""

from __future__ import annotations

import ipaddress
import re
import typing as t

_DYNAMIC_KEYS = ("http", "tcp", "udp", "tls")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_OWN_CERTIFICATES = ("internal", "acme-ca")
_BCRYPT_LIMIT = 72
# What berth itself asks Traefik through; with anything else a deploy would not see what Traefik does.
_FIXED = (
    ("entryPoints.traefik.address", "127.0.0.1:8080"),
    ("providers.file.directory", "/etc/traefik/dynamic"),
    ("api.insecure", True),
)

Variables = t.Mapping[str, t.Any]


def problems_of(variables: Variables) -> list[str]:
    """Return every mistake, a message each."""
    return [
        *_acme(variables),
        *_internal_ca(variables),
        *_certificates(variables),
        *_dashboard(variables.get("traefik_dashboard") or {}),
        *_trusted_proxies(variables.get("traefik_trusted_proxies") or []),
        *_foreign(variables),
    ]


def _acme(variables: Variables) -> list[str]:
    acme = variables.get("traefik_acme") or {}
    if not acme:
        return []
    problems = []
    email = str(acme.get("email") or "")
    if not re.match(r"[^@\s]+@[^@\s]+\Z", email):
        problems.append(f"traefik_acme.email: found {email!r}, expected the address of the ACME account.")
    server = str(acme.get("server") or "")
    if server and not server.startswith("https://"):
        problems.append(f"traefik_acme.server: found {server!r}, expected a URL that starts with https://.")
    authorities = str(acme.get("ca_certificates") or "")
    if authorities and "-----BEGIN CERTIFICATE-----" not in authorities:
        problems.append("traefik_acme.ca_certificates: found no certificate, expected PEM text.")
    challenge, provider = acme.get("challenge") or "http", acme.get("provider") or ""
    if challenge == "dns" and not provider:
        problems.append("traefik_acme.provider: found none, expected the DNS provider's name for the challenge dns.")
    if challenge != "dns" and provider:
        problems.append(f"traefik_acme.provider: found {provider!r}, expected none with the challenge {challenge}.")
    for name, value in (acme.get("environment") or {}).items():
        if not isinstance(value, str):
            kind = type(value).__name__
            problems.append(f"traefik_acme.environment.{name}: found {kind}, expected a string: write it in quotes.")
    if variables.get("traefik_internal_ca_certificate"):
        problems.append(
            "traefik_acme: found together with traefik_internal_ca_certificate, expected one of them: the internal CA "
            "signs for all hosts, so none would be left for ACME. Single hosts can have traefik_certificates."
        )
    return problems


def _internal_ca(variables: Variables) -> list[str]:
    pair = ("traefik_internal_ca_certificate", "traefik_internal_ca_private_key")
    given = [name for name in pair if variables.get(name)]
    if len(given) == 1:
        other = next(name for name in pair if name not in given)
        return [f"{other}: found nothing beside {given[0]}, expected both or none."]
    return []


def _certificates(variables: Variables) -> list[str]:
    problems = []
    names: list[str] = []
    for index, entry in enumerate(variables.get("traefik_certificates") or []):
        name = str(entry.get("name") or "")
        where = f"traefik_certificates[{index}]"
        if not _FILE_NAME.match(name):
            problems.append(f"{where}.name: found {name!r}, expected letters, digits, dots, hyphens and underscores.")
        if name in _OWN_CERTIFICATES:
            problems.append(f"{where}.name: found {name!r}, which berth uses itself; expected another name.")
        if name in names:
            problems.append(f"{where}.name: found {name!r} a second time, expected a name of its own.")
        names.append(name)
        for key, word in (("certificate", "CERTIFICATE-----"), ("private_key", "PRIVATE KEY-----")):
            if word not in str(entry.get(key) or ""):
                problems.append(f"{where}.{key}: found no {word.rstrip('-').lower()} in it, expected PEM text.")
    default = variables.get("traefik_default_certificate") or ""
    if default and default not in names:
        found = ", ".join(names) or "none"
        problems.append(
            f"traefik_default_certificate: found {default!r}, expected a name in traefik_certificates: {found}."
        )
    return problems


def _dashboard(dashboard: Variables) -> list[str]:
    if not dashboard:
        return []
    problems = []
    host, user = str(dashboard.get("host") or ""), str(dashboard.get("user") or "admin")
    if not _HOST.match(host):
        problems.append(f"traefik_dashboard.host: found {host!r}, expected a host name in lower case.")
    if not re.match(r"[^:\s]+\Z", user):
        problems.append(f"traefik_dashboard.user: found {user!r}, expected a name without colons and spaces.")
    length = len(str(dashboard.get("password") or "").encode())
    if not 0 < length <= _BCRYPT_LIMIT:
        limit = f"expected 1 to {_BCRYPT_LIMIT}, which is all that bcrypt reads."
        problems.append(f"traefik_dashboard.password: found {length} bytes, {limit}")
    return problems


def _trusted_proxies(ranges: t.Sequence[t.Any]) -> list[str]:
    problems = []
    for index, text in enumerate(ranges):
        try:
            ipaddress.ip_network(str(text))
        except ValueError as error:
            problems.append(f"traefik_trusted_proxies[{index}]: found {text!r}, expected an address or range: {error}.")
    return problems


def _foreign(variables: Variables) -> list[str]:
    """Check what Traefik passes over without a word, and what berth relies on."""
    problems = [
        f"traefik_dynamic.{key}: found an unknown key, which Traefik would ignore; expected one of "
        f"{', '.join(_DYNAMIC_KEYS)}."
        for key in variables.get("traefik_dynamic") or {}
        if key not in _DYNAMIC_KEYS
    ]
    for path, expected in _FIXED:
        value: t.Any = variables.get("traefik_static") or {}
        for key in path.split("."):
            value = value.get(key) if isinstance(value, t.Mapping) else None
        if value is not None and value != expected:
            problems.append(f"traefik_static.{path}: found {value!r}, expected {expected!r}, where berth asks Traefik.")
    return problems
