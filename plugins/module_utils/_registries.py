# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the Docker client's configuration names the credentials of registries."""

from __future__ import annotations

import base64
import typing as t

Registry = t.Mapping[str, t.Any]

# The client knows Docker Hub by this name alone.
HUB = "https://index.docker.io/v1/"
HELPER_PREFIX = "docker-credential-"


def key_of(registry: str) -> str:
    """Return the name under which the client keeps a registry's credentials."""
    return HUB if registry in ("docker.io", "index.docker.io") else registry


def merge(
    config: t.Mapping[str, t.Any], registries: t.Sequence[Registry], managed: t.Collection[str]
) -> dict[str, t.Any]:
    """Return the client's configuration with these registries in it.

    ``managed``: keys that were written by an earlier run; those no longer wanted go. All else stays as it is. Raises
    ValueError where ``credsStore`` would make the client pass over a user and password.
    """
    wanted = {key_of(r["registry"]): r for r in registries}
    auths = {key: value for key, value in (config.get("auths") or {}).items() if key not in managed}
    helpers = {key: value for key, value in (config.get("credHelpers") or {}).items() if key not in managed}
    for key, registry in wanted.items():
        auths.pop(key, None)
        helpers.pop(key, None)
        if registry.get("helper"):
            helpers[key] = registry["helper"]
            continue
        if config.get("credsStore"):
            raise ValueError(
                f"docker_registries: {registry['registry']}: the client's configuration has credsStore "
                f"{config['credsStore']!r}, which it asks instead of a user and password; give the registry a helper, "
                "or remove credsStore"
            )
        pair = f"{registry['username']}:{registry['password']}"
        auths[key] = {"auth": base64.b64encode(pair.encode()).decode()}
    merged = {key: value for key, value in config.items() if key not in ("auths", "credHelpers")}
    if auths or "auths" in config:
        merged["auths"] = auths
    if helpers or "credHelpers" in config:
        merged["credHelpers"] = helpers
    return merged


def describe(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> list[str]:
    """Return what differs between two configurations, without any credential."""
    lines = []
    for section, thing in (("auths", "credentials"), ("credHelpers", "credential helper")):
        old, new = before.get(section) or {}, after.get(section) or {}
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                verb = "remove" if key not in new else "change" if key in old else "add"
                lines.append(f"{verb} {thing} of registry {key}")
    return lines


def missing_helpers(registries: t.Sequence[Registry], find: t.Callable[[str], str | None]) -> list[str]:
    """Return a message for each helper whose program is not there; ``find`` tells where a program is."""
    return [
        f"docker_registries: {r['registry']}: found no {HELPER_PREFIX}{r['helper']} in the server's PATH, expected the "
        "program of its helper; install it first"
        for r in registries
        if r.get("helper") and not find(HELPER_PREFIX + r["helper"])
    ]
