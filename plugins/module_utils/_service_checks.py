# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Compose service as far as Compose itself would not check it: what berth refuses, and what it names."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose import RELEASE_COMMAND
from ansible_collections.berth.server.plugins.module_utils._environment_checks import check_variables
from ansible_collections.berth.server.plugins.module_utils._reading import Reading
from ansible_collections.berth.server.plugins.module_utils._references import borrowed, replica_names, replicas

REFUSED: t.Mapping[str, str] = {
    "ports": "no published port; use routes",
    "container_name": "no container_name; releases run beside each other",
    "external_links": "no external_links; apps do not reach each other's networks",
    "privileged": "no privileged container; cap_add gives single rights",
    "use_api_socket": "no Docker socket; who has it is root on the server",
    "label_file": "no label_file; use labels",
    "logging": "no logging; berth's containers log to the journal",
    "provider": "no provider; a service is a container",
}
# What a namespace may be instead of the server's or a foreign container's.
NAMESPACES: t.Mapping[str, t.Sequence[str]] = {
    "network_mode": ("none",),
    "pid": (),
    "ipc": ("none", "private", "shareable"),
    "uts": (),
    "userns_mode": (),
    "cgroup": ("private",),
}
SHAREABLE = ("network_mode", "pid", "ipc")
OWNED_LABELS: t.Mapping[str, str] = {
    "com.docker.": "no label of Docker's own",
    "berth.": "no label of berth's own",
    "traefik.": "no label for Traefik, which does not read any here; use routes",
}
LARGEST_REPLICAS = 50


def check_service(
    app: str, service: str, definition: t.Any, file: t.Mapping[str, t.Any], reading: Reading, problems: Problems
) -> None:
    """Check a service of an app file whose services are all there."""
    key = reading.at(service)
    if not schema.NAME.match(service):
        problems.add(app, key, service, schema.NAME_WORDS)
    if service == RELEASE_COMMAND:
        problems.add(app, key, service, "another name; berth runs the release command under this one")
    if not isinstance(definition, t.Mapping):
        problems.add(app, key, type(definition).__name__, "a mapping with a Compose service's keys")
        return
    for name, expected in REFUSED.items():
        if definition.get(name):
            problems.add(app, reading.at(service, name), definition[name], expected + reading.hint(service, name))
    if ("image" in definition) == ("build" in definition):
        found = "both" if "image" in definition else "neither"
        problems.add(app, key, found, "either image or build")
    if "build" in definition and not file["source"]:
        problems.add(app, f"{key}.build", "no source", "source in the app file, the directory that it is relative to")
    services = file["services"] or {}
    _check_namespaces(app, service, definition, services, reading, problems)
    _check_replicas(app, service, definition, services, reading, problems)
    _check_labels(app, service, definition.get("labels"), reading, problems)
    check_variables(app, service, definition, reading, problems)
    _check_dependencies(app, service, definition.get("depends_on") or [], services, reading, problems)
    mounts = definition.get("volumes") or []
    if not isinstance(mounts, list):
        problems.add(app, reading.at(service, "volumes"), mounts, "a list of mounts")
        return
    for i, mount in enumerate(mounts):
        _check_mount(app, f"volumes[{i}]", service, mount, file["volumes"] or {}, reading, problems)


def _check_namespaces(
    app: str,
    service: str,
    definition: t.Mapping[str, t.Any],
    services: t.Mapping[str, t.Any],
    reading: Reading,
    problems: Problems,
) -> None:
    for name, allowed in NAMESPACES.items():
        value, key = definition.get(name), reading.at(service, name)
        if value is None or value in allowed:
            continue
        other = borrowed(value)
        if other is None or name not in SHAREABLE:
            own = f", or {', '.join(allowed)}" if allowed else ""
            shared = "service:<name>" if name in SHAREABLE else "nothing"
            problems.add(app, key, value, f"{shared}{own}; no other's namespace" + reading.hint(service, name))
        elif other not in services or other == service:
            problems.add(app, key, value, reading.one_of("service", services, other))
        elif replicas(services[other]) != 1:
            problems.add(app, key, value, f"a service with one container; {other} has {replicas(services[other])}")
        elif name == "network_mode" and isinstance(services[other], t.Mapping) and services[other].get(name):
            problems.add(app, key, value, f"a service with a network of its own; {other} has none")
    others = definition.get("volumes_from") or []
    for entry in others if isinstance(others, list) else [others]:
        other = str(entry).partition(":")[0]
        if other not in services:
            expected = reading.one_of("service", services, other)
            problems.add(app, reading.at(service, "volumes_from"), entry, expected)


def _check_replicas(
    app: str,
    service: str,
    definition: t.Mapping[str, t.Any],
    services: t.Collection[str],
    reading: Reading,
    problems: Problems,
) -> None:
    deploy, key = definition.get("deploy") or {}, reading.at(service, "deploy")
    if not isinstance(deploy, t.Mapping):
        problems.add(app, key, deploy, "a mapping")
        return
    number = deploy.get("replicas", 1)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LARGEST_REPLICAS:
        problems.add(app, f"{key}.replicas", number, f"a number from 1 to {LARGEST_REPLICAS}")
        return
    for name in replica_names(service, number)[1:]:
        if name in services:
            problems.add(app, f"{key}.replicas", number, f"no service {name}, which is a replica's name")


def _check_labels(app: str, service: str, labels: t.Any, reading: Reading, problems: Problems) -> None:
    for label in labels or ():
        for prefix, expected in OWNED_LABELS.items():
            if str(label).startswith(prefix):
                problems.add(app, reading.at(service, "labels"), label, expected + reading.hint(service, "labels"))


def _check_dependencies(
    app: str, service: str, dependencies: t.Any, services: t.Collection[str], reading: Reading, problems: Problems
) -> None:
    key = reading.at(service, "depends_on")
    if not isinstance(dependencies, (list, t.Mapping)):
        problems.add(app, key, dependencies, "a list or a mapping of services")
        return
    for name in dependencies:
        if not isinstance(name, str) or name not in services:
            problems.add(app, key, name, reading.one_of("service", services, name))


def _check_mount(
    app: str,
    place: str,
    service: str,
    mount: t.Any,
    volumes: t.Mapping[str, t.Any],
    reading: Reading,
    problems: Problems,
) -> None:
    """Check that a mount names a volume of the app; what it mounts of the source is checked where it is read."""
    if isinstance(mount, t.Mapping):
        if mount.get("type") in ("tmpfs", "bind"):
            return
        source = str(mount.get("source", ""))
    else:
        source = str(mount).split(":", 1)[0] if ":" in str(mount) else ""
    declared = reading.top["volumes"].get(source) or {}
    foreign = [name for name in ("external", "driver_opts") if declared.get(name)]
    if source not in volumes:
        expected = reading.one_of("volume", volumes, None) + ", declared under volumes of the app with its backup rule"
        problems.add(app, reading.at(service, place), mount, expected)
    elif foreign:
        expected = f"a volume that berth makes; '!reset' in a second compose file leaves out {foreign[0]}"
        problems.add(app, f"volumes.{source}", ", ".join(foreign), expected)
