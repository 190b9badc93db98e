# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible_collections.berth.server.plugins.module_utils import _traefik_candidate as candidate

ACME = {
    "level": "error",
    "providerName": "acme.acme",
    "error": "no such host",
    "message": "Unable to obtain ACME certificate",
}
RESOLVER = {
    "level": "error",
    "routerName": "shop-0@file",
    "certificateResolver": "x",
    "message": "Router uses a nonexistent certificate resolver",
}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"level": "info", "message": "Traefik version 3.7.15"}, []),
        ({"level": "warn", "message": "aliasHeadersStrategy is not configured"}, []),
        (
            {
                "level": "error",
                "error": "bad.yml: field not found, node: compres",
                "message": "Cannot start the provider",
            },
            ["Cannot start the provider: bad.yml: field not found, node: compres"],
        ),
        (
            {"level": "error", "routerName": "shop-0@file", "error": "error parsing BasicUser: x"},
            ["shop-0@file: error parsing BasicUser: x"],
        ),
        (
            {
                "level": "warn",
                "routerName": "app",
                "origin": "b.yml",
                "message": "HTTP router already configured, skipping",
            },
            ["app: HTTP router already configured, skipping"],
        ),
        (
            {"level": "warn", "origin": "b.yml", "message": "options already configured, skipping"},
            ["b.yml: options already configured, skipping"],
        ),
        (ACME, []),
        (RESOLVER, []),
    ],
)
def test_log(entry: dict[str, str], expected: list[str]) -> None:
    log = f"not JSON\n[1]\n{json.dumps(entry)}\n{json.dumps(entry)}\n"
    assert candidate.log_problems(log) == expected


def test_router_of_ones_own_needs_its_certificate_resolver() -> None:
    problems = candidate.log_problems(json.dumps(RESOLVER), ["shop-0"])
    assert problems == ["shop-0@file: Router uses a nonexistent certificate resolver"]


@pytest.mark.parametrize(
    ("rawdata", "expected"),
    [
        ({"routers": {"a@file": {"status": "enabled"}}}, []),
        ({"routers": {"websecure-a@file": {"status": "enabled"}, "x@internal": {}}}, []),
        ({"tcpRouters": {"a@file": {"status": "enabled"}}}, []),
        ({"routers": {"aa@file": {"status": "enabled"}}}, ["router a is not there"]),
        ({}, ["router a is not there"]),
        (
            {"routers": {"a@file": {"status": "disabled", "error": ["middleware b does not exist"]}}},
            ["a@file is disabled: middleware b does not exist"],
        ),
        (
            {"routers": {"a@file": {"status": "enabled"}}, "middlewares": {"b@file": {"status": "disabled"}}},
            ["b@file is disabled: no reason given"],
        ),
    ],
)
def test_api(rawdata: dict[str, t.Any], expected: list[str]) -> None:
    assert candidate.api_problems(rawdata, {"a"}) == expected


def test_routers_are_those_of_every_protocol_and_of_files_that_can_be_read() -> None:
    files = {
        "a.yml": "http: {routers: {a: {}}}\ntcp: {routers: {b: {}}}\nudp: {services: {}}",
        "b.yml": "{{ broken",
        "c.yml": "",
        "d.yml": "http: []",
    }
    assert candidate.wanted_routers(files) == {"a", "b"}


def test_all_is_read_once_the_marker_is() -> None:
    (name,) = yaml.safe_load(candidate.marker_file())["http"]["routers"]
    assert not candidate.is_read({"routers": {"a@file": {}}})
    assert not candidate.is_read({})
    assert candidate.is_read({"routers": {f"{name}@file": {}}})
    assert candidate.is_read({"routers": {f"web-{name}@file": {}}})


def test_static_file_is_as_wanted_but_for_its_log_and_for_watching() -> None:
    wanted = {
        "providers": {"file": {"directory": "/d", "watch": True}},
        "log": {"filePath": "/l"},
        "certificatesResolvers": {"acme": {"acme": {}}},
        "api": {},
    }
    assert yaml.safe_load(candidate.static_file(yaml.dump(wanted))) == {
        **wanted,
        "providers": {"file": {"directory": "/d", "watch": False}},
        "log": {"level": "INFO", "format": "json"},
    }


def test_with_plugins_no_certificate_can_be_ordered() -> None:
    wanted = yaml.dump({"experimental": {"plugins": {"p": {}}}, "certificatesResolvers": {"acme": {}}})
    assert candidate.uses_plugins(wanted)
    assert "certificatesResolvers" not in yaml.safe_load(candidate.static_file(wanted))


@pytest.mark.parametrize("content", ["", "[]", "text", "a: ["])
def test_static_file_that_is_no_mapping(content: str) -> None:
    with pytest.raises(ValueError, match=r"static/traefik.yml: found|not YAML"):
        candidate.static_file(content)


def test_candidate_reaches_nothing_and_ends_by_itself() -> None:
    arguments = candidate.run_arguments("traefik:v3", "/place", "name", "none")
    assert arguments[arguments.index("--network") + 1] == "none"
    assert arguments[-4:] == ["traefik:v3", "60", "traefik", "--configfile=/etc/traefik/static/traefik.yml"]
    mounts = [arguments[i + 1] for i, word in enumerate(arguments) if word == "--volume"]
    assert mounts == [f"/place/{d}:/etc/traefik/{d}:ro" for d in ("static", "dynamic", "certificates")]
