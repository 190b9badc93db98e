# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.berth.server.plugins.module_utils._docker_checks import problems_of

DEFAULTS = yaml.safe_load(
    (pathlib.Path(__file__).parents[3] / "roles/docker/defaults/main.yml").read_text(encoding="utf-8")
)
CHECKSUM = "sha256:" + "0" * 64


def registry(**changes: t.Any) -> dict[str, t.Any]:
    return {"docker_registries": [{"registry": "r.example.com", "username": "me", "password": "hunter2", **changes}]}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        DEFAULTS,
        registry(),
        {"docker_registries": [{"registry": "docker.io", "helper": "ecr-login", "username": None, "password": None}]},
        {"docker_registry_mirrors": ["http://10.0.0.1:5000", "https://mirror.example.com/"]},
        {"docker_networks": {"shared": {"internal": True}, "other": {}}},
        {"docker_repository": {"uris": "https://x", "key": {"url": "https://x/key", "checksum": CHECKSUM}}},
        {"docker_minimum_free": "5%", "docker_prune_build_cache": "500MB", "docker_prune_after_days": 0},
    ],
)
def test_nothing_is_wrong(variables: dict[str, t.Any]) -> None:
    assert problems_of(variables) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"docker_network_pool": "10.201.0.0/33"},
            "docker_network_pool: found '10.201.0.0/33', expected an IPv4 address",
        ),
        ({"docker_network_pool": "10.201.0.1/17"}, "docker_network_pool: .*has host bits set"),
        ({"docker_address_pool": "fd00::/64"}, "docker_address_pool: found 'fd00::/64', expected an IPv4"),
        ({"docker_network_pool": "10.201.0.0/25"}, "expected room for at least one network, a /24"),
        (
            {"docker_network_pool": "10.0.0.0/16", "docker_address_pool": "10.0.128.0/17"},
            "docker_address_pool: found '10.0.128.0/17', expected a range that does not overlap",
        ),
        (
            {"docker_registry_mirrors": ["mirror.example.com"]},
            r"docker_registry_mirrors\[0\]: found 'mirror.example.com'",
        ),
        ({"docker_registry_mirrors": ["https://a", "ftp://b"]}, r"docker_registry_mirrors\[1\]"),
        (registry(registry="https://r.example.com"), r"docker_registries\[0\]\.registry: .*and no URL"),
        (registry(helper="x"), r"docker_registries\[0\] \(r.example.com\): found username and password and helper"),
        (registry(username=None), "found password, expected username and password, or helper"),
        (registry(username=None, password=None), "found neither"),
        (registry(username="a:b"), "found a colon, expected none"),
        ({"docker_registries": [{"registry": "r", "helper": "a b"}]}, "the name that follows docker-credential-"),
        (
            {
                "docker_registries": [
                    {"registry": "docker.io", "helper": "a"},
                    {"registry": "index.docker.io", "helper": "b"},
                ]
            },
            r"docker_registries\[1\]\.registry: .*another registry than docker_registries\[0\]",
        ),
        ({"docker_networks": {"bridge": {}}}, "docker_networks.bridge: .*none of bridge, host, none"),
        ({"docker_networks": {"a b": {}}}, "docker_networks.a b: "),
        ({"docker_networks": {"ab": True}}, "docker_networks.ab: found True, expected a mapping"),
        (
            {"docker_networks": {"ab": {"intern": True}}},
            "docker_networks.ab: found 'intern', expected the key internal",
        ),
        ({"docker_networks": {"ab": {"internal": "yes"}}}, "docker_networks.ab.internal: found 'yes'"),
        ({"docker_repository": {"uri": "x"}}, "docker_repository: found 'uri', expected keys among uris"),
        ({"docker_repository": {"key": "x"}}, "docker_repository.key: found 'x', expected a mapping"),
        (
            {"docker_repository": {"key": {"url": "x"}}},
            "docker_repository.key: found 'url alone', expected its checksum",
        ),
        ({"docker_repository": {"key": {"checksum": "md5:1"}}}, "docker_repository.key.checksum: found 'md5:1'"),
        ({"docker_minimum_free": "much"}, "docker_minimum_free: found 'much', expected a size like 2GB, 500MB or 5%"),
        ({"docker_prune_build_cache": "5%"}, "docker_prune_build_cache: found '5%', expected a size like 10GB"),
        ({"docker_prune_after_days": -1}, "docker_prune_after_days: found -1"),
        ({"docker_prune_schedule": " "}, "docker_prune_schedule: found ' '"),
    ],
)
def test_mistake_is_named(variables: dict[str, t.Any], expected: str) -> None:
    messages = problems_of(variables)
    assert len(messages) == 1, messages
    assert re.search(expected, messages[0]), messages
    assert "hunter2" not in messages[0]
