# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to an app on a server, and in which order it goes: pure, from what was found there."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._compose import APP_LABEL
from ansible_collections.berth.server.plugins.module_utils._docker import PROJECT_LABEL
from ansible_collections.berth.server.plugins.module_utils._release import RELEASE_ID

Kind = t.Literal[
    "route",
    "unit",
    "project",
    "container",
    "dump",
    "tar",
    "database",
    "role",
    "volume",
    "network",
    "image",
    "directory",
]
WORDS: t.Mapping[str, str] = {
    "route": "remove route file",
    "unit": "stop and remove unit",
    "project": "stop and remove containers of",
    "container": "stop and remove container",
    "dump": "archive database",
    "tar": "archive volume",
    "database": "drop database",
    "role": "drop role",
    "volume": "remove volume",
    "network": "remove network",
    "image": "remove image",
    "directory": "remove directory",
}


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for. ``databases`` and ``redis`` are names that the app's secrets tell; ``others``: other apps.

    ``used_databases`` (as instance/name) and ``used_names`` (networks, Redis instances) belong to somebody else now.
    """

    app: str
    data: t.Literal["keep", "archive", "delete"]
    databases: t.Collection[str] = ()
    redis: t.Collection[str] = ()
    others: t.Collection[str] = ()
    used_databases: t.Collection[str] = ()
    used_names: t.Collection[str] = ()


@dataclasses.dataclass(frozen=True)
class Found:
    """What is on the server. ``units``: file name -> its app; ``databases`` and ``roles``: by instance.

    Every instance has an entry. ``containers`` and ``networks`` are as ``docker inspect`` shows them, ``volumes`` name
    -> labels, ``routes`` paths, ``directories`` path -> the Redis stack that it is of, empty for the app's own.
    """

    containers: t.Sequence[t.Mapping[str, t.Any]] = ()
    networks: t.Sequence[t.Mapping[str, t.Any]] = ()
    volumes: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    images: t.Collection[str] = ()
    units: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    routes: t.Collection[str] = ()
    directories: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    databases: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    roles: t.Mapping[str, t.Collection[str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Action:
    """One thing to do. ``where`` is the instance of a database or role."""

    kind: Kind
    name: str
    where: str = ""

    def __str__(self) -> str:
        return f"{WORDS[self.kind]} {self.name}" + (f" of instance {self.where}" if self.where else "")


def plan(request: Request, found: Found) -> tuple[list[Action], list[str]]:
    """Return what to do, in an order that can break off anywhere and go on later, and what stays."""
    app = request.app
    redis = _redis_stacks(request, found)
    projects = sorted({p for c in found.containers if (p := _project(c)) and _is_of_app(c, app)} | redis["running"])
    loose = sorted(c["Name"].lstrip("/") for c in found.containers if _is_of_app(c, app) and not _project(c))
    volumes = [*sorted(n for n, labels in found.volumes.items() if _is_volume_of(app, labels, n)), *redis["volumes"]]
    databases, roles = _databases(request, found)
    actions = [
        # Requests end before what answers them does.
        *(Action("route", path) for path in sorted(found.routes)),
        *(Action("unit", unit) for unit, owner in sorted(found.units.items()) if owner == app),
        *(Action("project", project) for project in projects),
        *(Action("container", name) for name in loose),
    ]
    if request.data == "archive":
        # All of it, before any of it is deleted.
        actions += [Action("dump", name, instance) for instance, name in databases]
        actions += [Action("tar", volume) for volume in volumes]
    if request.data != "keep":
        actions += [Action("database", name, instance) for instance, name in databases]
        actions += [Action("role", name, instance) for instance, name in roles]
        actions += [Action("volume", volume) for volume in volumes]
    actions += [Action("network", name) for name in _networks(request, found, redis["names"])]
    actions += [Action("image", image) for image in sorted(found.images) if _is_image_of(image, app, request.others)]
    own = {"", *redis["names"]}
    actions += [Action("directory", path) for path, stack in sorted(found.directories.items()) if stack in own]
    kept = [f"volume {v}" for v in volumes] + [f"database {n} of instance {i}" for i, n in databases]
    return actions, kept if request.data == "keep" else []


def _project(container: t.Mapping[str, t.Any]) -> str:
    return str((container["Config"]["Labels"] or {}).get(PROJECT_LABEL, ""))


def _is_of_app(container: t.Mapping[str, t.Any], app: str) -> bool:
    return bool((container["Config"]["Labels"] or {}).get(APP_LABEL) == app)


def _is_volume_of(app: str, labels: t.Mapping[str, str], name: str) -> bool:
    """Tell whether a volume is the app's: by its label, or where a container made it first, by its name.

    No app's name holds an underscore; a volume of a Compose project is that project's.
    """
    return labels.get(APP_LABEL) == app or (name.startswith(f"{app}_") and PROJECT_LABEL not in labels)


def _is_image_of(image: str, app: str, others: t.Collection[str]) -> bool:
    """Tell whether an image was built or tagged for the app, and not for another whose name begins with its name."""
    match = re.match(r"berth(?:-build)?/([^:]+):", image)
    return bool(match) and owner(match[1] if match else "", [app, *others]) == app


def owner(name: str, apps: t.Collection[str]) -> str | None:
    """Return the app that a name ``<app>-<something>`` belongs to: the longest that fits."""
    return max((app for app in apps if name.startswith(f"{app}-")), key=len, default=None)


def _redis_stacks(request: Request, found: Found) -> dict[str, t.Any]:
    """Return of the app's own Redis instances the names, and what of them runs and lies there."""
    names = [_names.redis_host(request.app, use) for use in sorted(request.redis)]
    names = [name for name in names if name not in request.used_names]
    return {
        "names": names,
        "running": {_project(c) for c in found.containers} & set(names),
        "volumes": [f"{name}_data" for name in names if f"{name}_data" in found.volumes],
    }


def _databases(request: Request, found: Found) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return (instance, name) of the app's databases, owned by the role of the same name, and of these roles."""
    databases, roles = [], []
    for instance, owners in sorted(found.databases.items()):
        for name in sorted(request.databases):
            if f"{instance}/{name}" in request.used_databases or owners.get(name, name) != name:
                continue
            if name in owners:
                databases.append((instance, name))
            if name in found.roles.get(instance, ()) and not any(o == name and d != name for d, o in owners.items()):
                roles.append((instance, name))
    return databases, roles


def _networks(request: Request, found: Found, redis: t.Collection[str]) -> list[str]:
    wanted = {_names.edge_network(request.app), *redis}
    wanted |= {_names.postgres_network(instance, request.app) for instance in found.databases}
    named = {network["Name"] for network in found.networks} & wanted - set(request.used_names)
    return sorted(named | {n["Name"] for n in found.networks if _is_release_of(request.app, n)})


def _is_release_of(app: str, network: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a network is one that a release of the app made for itself."""
    project = (network.get("Labels") or {}).get(PROJECT_LABEL, "")
    return project.startswith(f"{app}-") and bool(RELEASE_ID.match(project.removeprefix(f"{app}-")))
