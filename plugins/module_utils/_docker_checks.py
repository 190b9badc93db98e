# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the docker role's argument_specs cannot say about its variables."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import urllib.parse

from ansible_collections.berth.server.plugins.module_utils import _networks, _registries, _room

NETWORK_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
REGISTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?\Z")
HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
CHECKSUM = re.compile(r"sha(256|512):[0-9a-f]{64,128}\Z")
REPOSITORY_KEYS = ("uris", "suites", "components", "key")
SIZE_OF_NETWORKS = 24


def problems_of(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return a message for each mistake; a variable that is missing is not looked at."""
    return [
        *_pool_problems(variables),
        *_mirror_problems(variables.get("docker_registry_mirrors") or ()),
        *_registry_problems(variables.get("docker_registries") or ()),
        *_network_problems(variables.get("docker_networks") or {}),
        *_repository_problems(variables.get("docker_repository") or {}),
        *_room_problems(variables),
    ]


def _message(key: str, found: t.Any, expected: str) -> str:
    return f"{key}: found {found!r}, expected {expected}"


def _pool_problems(variables: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    pools = {}
    for key in ("docker_network_pool", "docker_address_pool"):
        value = variables.get(key)
        if value is None:
            continue
        try:
            pools[key] = ipaddress.IPv4Network(value)
        except ValueError as error:
            yield _message(key, value, f"an IPv4 address range like 10.201.0.0/17 ({error})")
            continue
        if pools[key].prefixlen > SIZE_OF_NETWORKS:
            yield _message(key, value, f"room for at least one network, a /{SIZE_OF_NETWORKS}")
    if len(pools) == 2 and pools["docker_network_pool"].overlaps(pools["docker_address_pool"]):
        found = variables["docker_address_pool"]
        expected = f"a range that does not overlap docker_network_pool, {variables['docker_network_pool']}"
        yield _message("docker_address_pool", found, expected)


def _mirror_problems(mirrors: t.Sequence[str]) -> t.Iterator[str]:
    for i, mirror in enumerate(mirrors):
        url = urllib.parse.urlsplit(str(mirror))
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.path.strip("/"):
            expected = "the URL of a registry, without a path, like https://mirror.example.com"
            yield _message(f"docker_registry_mirrors[{i}]", mirror, expected)


def _registry_problems(registries: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    seen: dict[str, int] = {}
    for i, registry in enumerate(registries):
        key, name = f"docker_registries[{i}]", str(registry.get("registry") or "")
        if not REGISTRY.match(name):
            yield _message(f"{key}.registry", name, "a name as in images, like registry.example.com:5000, and no URL")
        other = seen.setdefault(_registries.key_of(name), i)
        if other != i:
            yield _message(f"{key}.registry", name, f"another registry than docker_registries[{other}]")
        given = [word for word in ("username", "password", "helper") if registry.get(word)]
        if given not in (["username", "password"], ["helper"]):
            # Which of them, and never what they are.
            yield f"{key} ({name}): found {' and '.join(given) or 'neither'}, expected username and password, or helper"
        if ":" in str(registry.get("username") or ""):
            yield f"{key}.username ({name}): found a colon, expected none: it ends the name in what is sent"
        helper = registry.get("helper")
        if helper and not HELPER.match(str(helper)):
            yield _message(f"{key}.helper", helper, "the name that follows docker-credential-")


def _network_problems(networks: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, options in networks.items():
        if not NETWORK_NAME.match(str(name)) or name in _networks.RESERVED:
            expected = f"letters, digits, '_', '.' and '-', and none of {', '.join(_networks.RESERVED)}"
            yield _message(f"docker_networks.{name}", name, expected)
        if not isinstance(options, t.Mapping):
            yield _message(f"docker_networks.{name}", options, "a mapping, like {internal: true}")
            continue
        for key in sorted(set(options) - {"internal"}):
            yield _message(f"docker_networks.{name}", key, "the key internal")
        if not isinstance(options.get("internal", False), bool):
            yield _message(f"docker_networks.{name}.internal", options["internal"], "true or false")


def _repository_problems(repository: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name in sorted(set(repository) - set(REPOSITORY_KEYS)):
        yield _message("docker_repository", name, f"keys among {', '.join(REPOSITORY_KEYS)}")
    key = repository.get("key")
    if key is None:
        return
    if not isinstance(key, t.Mapping) or set(key) - {"url", "checksum"}:
        yield _message("docker_repository.key", key, "a mapping with url and checksum")
    elif "checksum" in key and not CHECKSUM.match(str(key["checksum"])):
        yield _message("docker_repository.key.checksum", key["checksum"], "sha256: and 64 hexadecimal digits")
    elif "checksum" not in key and "url" in key:
        yield _message("docker_repository.key", "url alone", "its checksum as well: a key is trusted by what it is")


def _room_problems(variables: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for key in ("docker_minimum_free", "docker_prune_build_cache"):
        value = variables.get(key)
        share = key == "docker_minimum_free"
        if value is not None and (not _room.SIZE.match(str(value)) or (not share and "%" in value)):
            yield _message(key, value, _room.SIZE_WORDS if share else "a size like 10GB or 500MB")
    days = variables.get("docker_prune_after_days")
    if days is not None and days < 0:
        yield _message("docker_prune_after_days", days, "a number of days, 0 or more")
    schedule = variables.get("docker_prune_schedule")
    if schedule is not None and (not schedule.strip() or "\n" in schedule):
        yield _message("docker_prune_schedule", schedule, "one time in the words of systemd's OnCalendar, like daily")
