# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema cannot say: references between parts of an app, and apps against each other and the server."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import HOST, NAME, Problems
from ansible_collections.berth.server.plugins.module_utils._compose import unknown_variables

Files = t.Mapping[str, t.Mapping[str, t.Any]]

REFUSED: t.Mapping[str, str] = {
    "ports": "no published port; use routes",
    "container_name": "no container_name; releases run beside each other",
    "external_links": "no external_links; apps do not reach each other's networks",
    "networks": "no networks; berth connects services to what they use",
    "env_file": "no env_file; use env",
    "extends": "no extends; write the service out",
    "labels": "no labels; routes and releases are berth's",
    "links": "no links; a service is reached by its name",
    "scale": "no scale",
}
SHARED_NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")


def check_service(app: str, service: str, definition: t.Any, file: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Check one Compose service as far as Compose itself would not."""
    key = f"services.{service}"
    if not NAME.match(service):
        problems.add(app, key, service, "2 to 31 lower case letters, digits and hyphens, starting with a letter")
    if not isinstance(definition, t.Mapping):
        problems.add(app, key, definition, "a mapping with a Compose service's keys")
        return
    for name, expected in REFUSED.items():
        if name in definition:
            problems.add(app, f"{key}.{name}", definition[name], expected)
    for name in SHARED_NAMESPACES:
        if name in definition:
            problems.add(app, f"{key}.{name}", definition[name], f"no {name}; a service has namespaces of its own")
    if ("image" in definition) == ("build" in definition):
        found = "both" if "image" in definition else "neither"
        problems.add(app, key, found, "either image or build")
    if "build" in definition and not file["source"]:
        problems.add(app, f"{key}.build", definition["build"], "the app's source, which build is relative to")
    for name in sorted(unknown_variables(definition, ["VERSION"])):
        problems.add(app, key, "${" + name + "}", "no variable but ${VERSION}; write $$ for a dollar sign")
    for dependency in definition.get("depends_on") or ():
        if dependency not in file["services"]:
            problems.add(app, f"{key}.depends_on", dependency, _one_of("service", file["services"]))
    for i, mount in enumerate(definition.get("volumes") or ()):
        _check_mount(app, f"{key}.volumes[{i}]", mount, file["volumes"], problems)


def _check_mount(app: str, key: str, mount: t.Any, volumes: t.Mapping[str, t.Any], problems: Problems) -> None:
    if isinstance(mount, t.Mapping):
        if mount.get("type") == "tmpfs":
            return
        source = str(mount.get("source", ""))
    else:
        source = str(mount).split(":", 1)[0] if ":" in str(mount) else ""
    if source not in volumes:
        problems.add(app, key, mount, _one_of("volume", volumes) + ", declared under volumes with its backup rule")


def check_apps(files: Files, postgres_instances: t.Collection[str], problems: Problems) -> None:
    """Check references inside each app and conflicts between apps."""
    taken: dict[tuple[str, str], str] = {}
    for app, file in files.items():
        services = file["services"]
        for i, route in enumerate(file["routes"]):
            key = f"routes[{i}]"
            _check_route(app, key, route, services, problems)
            places = [(host, route["path"]) for host in route["hosts"]] + [
                (host, "/") for host in route["redirect_from"]
            ]
            for place in places:
                if place in taken:
                    problems.add(app, key, "".join(place), f"a host and path that {taken[place]} does not use")
                taken.setdefault(place, f"app {app} {key}")
        for name, options in file["postgres"].items():
            if options["instance"] not in postgres_instances:
                expected = _one_of("instance of postgres_instances", postgres_instances)
                problems.add(app, f"postgres.{name}.instance", options["instance"], expected)
        for kind in ("postgres", "redis"):
            for name, options in file[kind].items():
                _check_services(app, f"{kind}.{name}.services", options["services"] or (), services, problems)
        _check_services(app, "exclusive", file["exclusive"], services, problems)
        if file["release_command"]:
            _check_services(app, "release_command.service", [file["release_command"]["service"]], services, problems)
    _check_databases(files, problems)


def _check_route(
    app: str, key: str, route: t.Mapping[str, t.Any], services: t.Collection[str], problems: Problems
) -> None:
    _check_services(app, f"{key}.service", [route["service"]], services, problems)
    for host in [*route["hosts"], *route["redirect_from"]]:
        if not HOST.match(host):
            problems.add(app, f"{key}.hosts", host, "a host name in lower case, like www.example.com")
    if not 1 <= route["port"] <= 65535:
        problems.add(app, f"{key}.port", route["port"], "a port from 1 to 65535")
    for name in ("path", "health"):
        if not route[name].startswith("/"):
            problems.add(app, f"{key}.{name}", route[name], "a path that starts with /")


def _check_databases(files: Files, problems: Problems) -> None:
    owners: dict[tuple[str, str], str] = {}
    for app, file in files.items():
        for name, options in file["postgres"].items():
            place = (options["instance"], name)
            if place in owners:
                problems.add(app, f"postgres.{name}", name, f"a database that app {owners[place]} does not have")
            owners.setdefault(place, app)


def _check_services(
    app: str, key: str, named: t.Iterable[str], services: t.Collection[str], problems: Problems
) -> None:
    for name in named:
        if name not in services:
            problems.add(app, key, name, _one_of("service", services))


def _one_of(what: str, names: t.Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"a {what} ({listed})" if listed else f"a {what}, of which there is none"
