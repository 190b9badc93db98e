# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service's containers are called in a rendered project, and how a service names others there."""

from __future__ import annotations

import typing as t

_NAMESPACES = ("network_mode", "pid", "ipc")
_COMPLETED = "service_completed_successfully"


def rendered_key(service: str, release: str) -> str:
    """Return a service's key in the rendered project.

    Compose makes the key an alias on every network that the service joins, so it must differ between releases.
    """
    return f"{service}-{release}"


def replicas(definition: t.Any) -> int:
    """Return how many containers a service has."""
    deploy = definition.get("deploy") if isinstance(definition, t.Mapping) else None
    number = deploy.get("replicas") if isinstance(deploy, t.Mapping) else None
    return number if isinstance(number, int) and number > 0 else 1


def replica_names(service: str, number: int) -> list[str]:
    """Return a name for each container of a service; the first has the service's own."""
    return [service, *(f"{service}-{index}" for index in range(2, number + 1))]


def replicas_of(app: t.Mapping[str, t.Any], service: str) -> list[str]:
    """Return a name for each container that a service of an app has."""
    return replica_names(service, replicas(app["services"].get(service)))


def borrowed(namespace: t.Any) -> str | None:
    """Return the service whose namespace a service lives in, if it does."""
    if not isinstance(namespace, str) or not namespace.startswith("service:"):
        return None
    return namespace.removeprefix("service:")


def is_awaited(app: t.Mapping[str, t.Any], service: str) -> bool:
    """Tell whether another service starts only when this one has ended well, so that it is meant to end."""
    for other in app["services"].values():
        dependencies = other.get("depends_on")
        options = dependencies.get(service) if isinstance(dependencies, t.Mapping) else None
        if isinstance(options, t.Mapping) and options.get("condition") == _COMPLETED:
            return True
    return False


def renamed(app: t.Mapping[str, t.Any], definition: t.Mapping[str, t.Any], release: str) -> dict[str, t.Any]:
    """Return what of a service names other services, with their keys in the rendered project."""
    found: dict[str, t.Any] = {}
    dependencies = definition.get("depends_on")
    if dependencies is not None:
        if not isinstance(dependencies, t.Mapping):
            dependencies = {name: {"condition": "service_started"} for name in dependencies}
        found["depends_on"] = {
            rendered_key(replica, release): options
            for name, options in dependencies.items()
            for replica in replicas_of(app, name)
        }
    for kind in _NAMESPACES:
        if other := borrowed(definition.get(kind)):
            found[kind] = f"service:{rendered_key(other, release)}"
    return found
