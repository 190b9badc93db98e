# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the redis role's argument_specs cannot say about its variables, and what app files may say about their Redis."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _redis_instance as redis
from ansible_collections.berth.server.plugins.module_utils._app_schema import NAME, NAME_WORDS

KEYS = ("user", "password", "network", "maxmemory", "policy", "persistence", "parameters")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
USER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}\Z")
NETWORK = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
PARAMETER = re.compile(r"[a-z][a-z0-9-]*\Z")

Mistake = t.Tuple[str, t.Any, str]  # noqa: UP006 - ansible-test's pylint reads it as Python 3.8


def problems_of(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return a message for each mistake; a variable that is missing is not looked at."""
    messages = []
    version = variables.get("redis_version")
    if version is not None and not TAG.match(version):
        messages.append(f"redis_version: found {version!r}, expected a tag of the image redis, like 7-bookworm")
    for name, settings in (variables.get("redis_instances") or {}).items():
        for key, found, expected in _instance_mistakes(str(name), settings):
            place = ".".join(part for part in (f"redis_instances.{name}", key) if part)
            messages.append(f"{place}: found {found!r}, expected {expected}")
    return messages


def _instance_mistakes(name: str, settings: t.Any) -> t.Iterator[Mistake]:
    if not NAME.match(name):
        yield "", name, NAME_WORDS
    if not isinstance(settings, t.Mapping):
        yield "", settings, "a mapping with at least a password"
        return
    for key in sorted(set(settings) - set(KEYS)):
        yield "", key, f"keys among {', '.join(KEYS)}"
    password = settings.get("password")
    if not isinstance(password, str) or not password:
        # Never what it is.
        yield "password", "nothing" if not password else type(password).__name__, "a text that is not empty"
    user = settings.get("user")
    if user is not None and (not USER.match(str(user)) or user == "default"):
        yield "user", user, "letters, digits, '_', '.' and '-', and not default, whom Redis knows already"
    network = settings.get("network")
    if network is not None and not NETWORK.match(str(network)):
        yield "network", network, "the name of one of docker_networks"
    persistence = settings.get("persistence")
    if persistence not in (None, *redis.PERSISTENCES):
        yield "persistence", persistence, f"one of {', '.join(redis.PERSISTENCES)}"
    yield from setting_mistakes(settings)


def setting_mistakes(settings: t.Mapping[str, t.Any]) -> t.Iterator[Mistake]:
    """Yield key, found and expected of each mistake in what instances of apps and users have in common."""
    maxmemory = settings.get("maxmemory")
    if maxmemory is not None and (redis.parse_memory(maxmemory) or 0) < redis.MINIMUM_MEMORY:
        yield "maxmemory", maxmemory, redis.MEMORY_WORDS
    policy = settings.get("policy")
    if policy is not None and policy not in redis.POLICIES:
        yield "policy", policy, f"one of {', '.join(redis.POLICIES)}"
    parameters = settings.get("parameters")
    if parameters is None:
        return
    if not isinstance(parameters, t.Mapping):
        yield "parameters", parameters, "a mapping of redis.conf's parameters"
        return
    for name, value in parameters.items():
        key = f"parameters.{name}"
        if name in redis.OWN_PARAMETERS:
            yield key, name, "none that is berth's; maxmemory, policy and persistence are keys beside parameters"
        elif not PARAMETER.match(str(name)):
            yield key, name, "the name of a parameter of redis.conf"
        for item in value if isinstance(value, list) else [value]:
            # What it is may be a secret.
            if item is None or isinstance(item, (list, t.Mapping)):
                yield key, "nothing" if item is None else type(item).__name__, "a text, number, boolean or list of them"
            elif "\n" in str(item):
                yield key, "several lines", "one line; a list is a parameter that is said several times"
