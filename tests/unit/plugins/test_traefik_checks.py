# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._traefik_checks import problems_of

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n..."
KEY = "-----BEGIN EC PRIVATE KEY-----\n..."
GIVEN = {"name": "example.com", "certificate": CERTIFICATE, "private_key": KEY}
ACME = {"email": "ops@example.com"}
DASHBOARD = {"host": "traefik.example.com", "user": "admin", "password": "correct horse"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"traefik_acme": {}, "traefik_dashboard": {}, "traefik_certificates": [], "traefik_default_certificate": ""},
        {"traefik_acme": ACME, "traefik_certificates": [GIVEN], "traefik_default_certificate": "example.com"},
        {"traefik_acme": {**ACME, "challenge": "dns", "provider": "hetzner", "environment": {"KEY": "x"}}},
        {"traefik_acme": {**ACME, "server": "https://ca.example.com/dir", "ca_certificates": CERTIFICATE}},
        {"traefik_internal_ca_certificate": CERTIFICATE, "traefik_internal_ca_private_key": KEY},
        {"traefik_dashboard": DASHBOARD, "traefik_trusted_proxies": ["10.0.0.0/8", "2001:db8::1"]},
        {"traefik_static": {"accessLog": {}, "api": {"insecure": True}, "entryPoints": {"traefik": None}}},
        {"traefik_dynamic": {"http": {}, "tls": {}}},
    ],
)
def test_good(variables: dict[str, t.Any]) -> None:
    assert problems_of(variables) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"traefik_acme": {"challenge": "tls"}}, "traefik_acme.email: found ''"),
        ({"traefik_acme": {"email": "ops"}}, "traefik_acme.email: found 'ops', expected the address"),
        ({"traefik_acme": {**ACME, "server": "http://x"}}, "traefik_acme.server: found 'http://x'"),
        ({"traefik_acme": {**ACME, "ca_certificates": "/etc/ca.crt"}}, "traefik_acme.ca_certificates: found no cert"),
        ({"traefik_acme": {**ACME, "challenge": "dns"}}, "traefik_acme.provider: found none"),
        ({"traefik_acme": {**ACME, "provider": "hetzner"}}, "provider: found 'hetzner', expected none with the chal"),
        (
            {"traefik_acme": {**ACME, "challenge": "dns", "provider": "x", "environment": {"TTL": 60}}},
            "traefik_acme.environment.TTL: found int, expected a string",
        ),
        (
            {
                "traefik_acme": ACME,
                "traefik_internal_ca_certificate": CERTIFICATE,
                "traefik_internal_ca_private_key": KEY,
            },
            "traefik_acme: found together with traefik_internal_ca_certificate",
        ),
        ({"traefik_internal_ca_certificate": CERTIFICATE}, "traefik_internal_ca_private_key: found nothing beside"),
        ({"traefik_internal_ca_private_key": KEY}, "traefik_internal_ca_certificate: found nothing beside"),
        ({"traefik_certificates": [{**GIVEN, "name": "../x"}]}, "traefik_certificates[0].name: found '../x'"),
        ({"traefik_certificates": [{**GIVEN, "name": "internal"}]}, "found 'internal', which berth uses itself"),
        ({"traefik_certificates": [GIVEN, GIVEN]}, "traefik_certificates[1].name: found 'example.com' a second time"),
        ({"traefik_certificates": [{**GIVEN, "certificate": "x"}]}, "[0].certificate: found no certificate in it"),
        ({"traefik_certificates": [{**GIVEN, "private_key": "x"}]}, "[0].private_key: found no private key in it"),
        ({"traefik_default_certificate": "x"}, "traefik_default_certificate: found 'x', expected a name in"),
        ({"traefik_dashboard": {**DASHBOARD, "host": "Traefik"}}, "traefik_dashboard.host: found 'Traefik'"),
        ({"traefik_dashboard": {**DASHBOARD, "user": "a:b"}}, "traefik_dashboard.user: found 'a:b'"),
        ({"traefik_dashboard": {**DASHBOARD, "password": "é" * 37}}, "traefik_dashboard.password: found 74 bytes"),
        ({"traefik_dashboard": {"host": "a.example.com"}}, "traefik_dashboard.password: found 0 bytes"),
        ({"traefik_trusted_proxies": ["10.0.0.1/8"]}, "traefik_trusted_proxies[0]: found '10.0.0.1/8'"),
        ({"traefik_dynamic": {"htpp": {}}}, "traefik_dynamic.htpp: found an unknown key"),
        (
            {"traefik_static": {"entryPoints": {"traefik": {"address": ":8080"}}}},
            "traefik_static.entryPoints.traefik.address: found ':8080', expected '127.0.0.1:8080'",
        ),
        ({"traefik_static": {"api": {"insecure": False}}}, "traefik_static.api.insecure: found False, expected True"),
    ],
)
def test_mistakes(variables: dict[str, t.Any], expected: str) -> None:
    (problem,) = problems_of(variables)
    assert expected in problem


def test_no_secret_stands_in_a_message() -> None:
    variables = {
        "traefik_acme": {**ACME, "environment": {"KEY": 4711}},
        "traefik_dashboard": {**DASHBOARD, "password": "x" * 73},
        "traefik_certificates": [{**GIVEN, "private_key": "hidden"}],
    }
    problems = "\n".join(problems_of(variables))
    assert len(problems.splitlines()) == 3
    assert [word for word in ("4711", "xxx", "hidden") if word in problems] == []
