# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How playbooks reach the decisions about apps, secrets, databases, networks and certificates."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.berth.server.plugins.module_utils import (
    _apps,
    _builds,
    _certificates,
    _compose,
    _networks,
    _postgres,
    _postgres_instance,
    _redis_instance,
    _secrets,
)
from ansible_collections.berth.server.plugins.module_utils._canonical import canonical_json


def plain(value: t.Any) -> t.Any:
    """Return a structure of Python's own types: Ansible's containers are templated while they are read."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def app_problems(apps: t.Mapping[str, t.Any], directory: str, postgres_instances: t.Iterable[str]) -> list[str]:
    """Return every mistake in the app files; see app_problems.yml."""
    files = plain(apps)
    return _apps.problems_of(files, list(postgres_instances)) + _builds.problems_of(files, pathlib.Path(directory))


def resolve_apps(apps: t.Mapping[str, t.Any], secrets: t.Mapping[str, str], directory: str) -> dict[str, t.Any]:
    """Return what the roles need to know about all apps; see resolve_apps.yml."""
    files = plain(apps)
    return _apps.resolve(files, plain(secrets), _builds.resolve(files, pathlib.Path(directory)))


def wanted_secrets(apps: t.Mapping[str, t.Any]) -> dict[str, int]:
    """Return name -> length of every secret that these apps need; see wanted_secrets.yml."""
    files = plain(apps)
    return _secrets.wanted(canonical_json(files), _apps.secret_names(files))


def postgres_stacks(
    instances: t.Mapping[str, t.Any], app_databases: t.Sequence[t.Mapping[str, t.Any]], image_os: str, root: str
) -> list[dict[str, t.Any]]:
    """Return the stack of each Postgres instance; see postgres_stacks.yml."""
    networks: dict[str, set[str]] = {}
    for database in plain(app_databases):
        networks.setdefault(database["instance"], set()).add(database["network"])
    try:
        return [
            _postgres_instance.postgres_stack(name, settings, sorted(networks.get(name, ())), image_os, root)
            for name, settings in plain(instances).items()
        ]
    except _postgres_instance.InstanceError as error:
        raise AnsibleFilterError(str(error)) from error


def redis_stacks(instances: t.Mapping[str, t.Any], image: str, root: str) -> list[dict[str, t.Any]]:
    """Return the stack of each Redis instance; see redis_stacks.yml."""
    return [_redis_instance.redis_stack(name, settings, image, root) for name, settings in plain(instances).items()]


def postgres_plan(
    desired: t.Sequence[t.Mapping[str, t.Any]], info: t.Mapping[str, t.Any], roles: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, list[t.Any]]:
    """Return what an instance lacks; ``roles`` are rows of ``pg_authid``; see postgres_plan.yml."""
    return _postgres.plan(plain(desired), plain(info), {row["rolname"]: row["rolpassword"] for row in plain(roles)})


class FilterModule:
    """The filters of this collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return name -> filter."""
        return {
            "app_problems": app_problems,
            "app_secret_names": lambda apps: _apps.secret_names(plain(apps)),
            "certificate_covers": _certificates.covers,
            "external_networks": _compose.external_networks,
            "networks_to_create": _networks.to_create,
            "postgres_plan": postgres_plan,
            "postgres_stacks": postgres_stacks,
            "redis_stacks": redis_stacks,
            "resolve_apps": resolve_apps,
            "wanted_secrets": wanted_secrets,
        }
