# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema cannot say: references between parts of an app, and apps against each other and the server."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems, duration
from ansible_collections.berth.server.plugins.module_utils._compose import RELEASE_COMMAND, unknown_variables

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
    "scale": "no scale; more than one container of a service is not supported yet",
    "volumes_from": "no volumes_from; name the volumes",
}
SHARED_NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
VARIABLES_WORDS = "no variable but ${VERSION}; write $$ for a dollar sign"


def check_service(app: str, service: str, definition: t.Any, file: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Check one Compose service as far as Compose itself would not."""
    key = f"services.{service}"
    if not schema.NAME.match(service):
        problems.add(app, key, service, schema.NAME_WORDS)
    if service == RELEASE_COMMAND:
        problems.add(app, key, service, "another name; berth runs the release command under this one")
    if not isinstance(definition, t.Mapping):
        problems.add(app, key, type(definition).__name__, "a mapping with a Compose service's keys")
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
    deploy = definition.get("deploy") or {}
    if not isinstance(deploy, t.Mapping):
        problems.add(app, f"{key}.deploy", deploy, "a mapping")
    elif deploy.get("replicas", 1) != 1:
        expected = "no replicas; more than one container of a service is not supported yet"
        problems.add(app, f"{key}.deploy", deploy["replicas"], expected)
    _check_variables(app, key, definition, problems)
    _check_dependencies(app, f"{key}.depends_on", definition.get("depends_on") or [], file["services"] or {}, problems)
    mounts = definition.get("volumes") or []
    if not isinstance(mounts, list):
        problems.add(app, f"{key}.volumes", mounts, "a list of mounts")
        return
    for i, mount in enumerate(mounts):
        _check_mount(app, f"{key}.volumes[{i}]", mount, file["volumes"] or {}, problems)


def _check_variables(app: str, key: str, definition: t.Mapping[str, t.Any], problems: Problems) -> None:
    others = {name: value for name, value in definition.items() if name != "environment"}
    for name in sorted(unknown_variables(others, ["VERSION"])):
        problems.add(app, key, _shown(name), VARIABLES_WORDS)
    if unknown_variables(definition.get("environment"), ["VERSION"]):
        # Not named: it may be part of a secret that holds a dollar sign.
        problems.add(app, f"{key}.environment", "a variable", VARIABLES_WORDS)


def _check_dependencies(
    app: str, key: str, dependencies: t.Any, services: t.Collection[str], problems: Problems
) -> None:
    if not isinstance(dependencies, (list, t.Mapping)):
        problems.add(app, key, dependencies, "a list or a mapping of services")
        return
    for name in dependencies:
        if not isinstance(name, str) or name not in services:
            problems.add(app, key, name, _one_of("service", services))


def check_env(app: str, key: str, env: t.Any, problems: Problems) -> None:
    """Check that every variable has a value: Compose would take a missing one from the shell of whoever runs it."""
    for name, value in env.items() if isinstance(env, t.Mapping) else ():
        if value is None or isinstance(value, (list, t.Mapping)):
            expected = "a text, number or boolean; write '' for an empty one"
            problems.add(app, f"{key}.{name}", "nothing" if value is None else type(value).__name__, expected)


def _check_mount(app: str, key: str, mount: t.Any, volumes: t.Mapping[str, t.Any], problems: Problems) -> None:
    if isinstance(mount, t.Mapping):
        if mount.get("type") == "tmpfs":
            return
        source = str(mount.get("source", ""))
    else:
        source = str(mount).split(":", 1)[0] if ":" in str(mount) else ""
    if source not in volumes:
        problems.add(app, key, mount, _one_of("volume", volumes) + ", declared under volumes with its backup rule")


def check_app(app: str, file: t.Mapping[str, t.Any], instances: t.Collection[str], problems: Problems) -> None:
    """Check the names in an app and the references between its parts."""
    services = file["services"] or {}
    for i, route in enumerate(file["routes"]):
        _check_route(app, f"routes[{i}]", route, services, problems)
    for name, options in file["postgres"].items():
        if not schema.DATABASE.match(name) or name in schema.OWN_DATABASES:
            problems.add(app, f"postgres.{name}", name, schema.DATABASE_WORDS)
        if options["instance"] not in (None, *instances):
            expected = _one_of("Postgres instance of postgres_instances", instances)
            problems.add(app, f"postgres.{name}.instance", options["instance"], expected)
    for name in file["redis"]:
        if not schema.NAME.match(name):
            problems.add(app, f"redis.{name}", name, schema.NAME_WORDS)
    for name in file["volumes"]:
        if not schema.VOLUME_NAME.match(name):
            problems.add(app, f"volumes.{name}", name, schema.VOLUME_WORDS)
    for kind in ("postgres", "redis"):
        for name, options in file[kind].items():
            _check_services(app, f"{kind}.{name}.services", options["services"], services, problems)
            check_env(app, f"{kind}.{name}.env", options["env"], problems)
    _check_services(app, "exclusive", file["exclusive"], services, problems)
    command = file["release_command"]
    if command:
        _check_services(app, "release_command.service", [command["service"]], services, problems)
        if command["command"] == []:
            problems.add(app, "release_command.command", [], "a command")
        for name in sorted(unknown_variables(command["command"], ["VERSION"])):
            problems.add(app, "release_command.command", _shown(name), VARIABLES_WORDS)
    if file["version"] and not schema.VERSION.match(file["version"]):
        problems.add(app, "version", file["version"], schema.VERSION_WORDS)


def _check_route(
    app: str, key: str, route: t.Mapping[str, t.Any], services: t.Collection[str], problems: Problems
) -> None:
    _check_services(app, f"{key}.service", [route["service"]], services, problems)
    if route["hosts"] == []:
        problems.add(app, f"{key}.hosts", [], "at least one host")
    for name in ("hosts", "redirect_from"):
        for host in route[name] or ():
            if not schema.HOST.match(host):
                problems.add(app, f"{key}.{name}", host, "a host name in lower case, like www.example.com")
    if route["port"] is not None and not 1 <= route["port"] <= 65535:
        problems.add(app, f"{key}.port", route["port"], "a port from 1 to 65535")
    for name in ("path", "health"):
        if route[name] is not None and not schema.PATH.match(route[name]):
            problems.add(app, f"{key}.{name}", route[name], "a path of URL characters that starts with /")
    if route["rate_limit"]:
        duration(app, f"{key}.rate_limit.period", route["rate_limit"]["period"], problems)


def check_conflicts(files: Files, problems: Problems) -> None:
    """Check that no two apps, nor two parts of one, claim the same place on the server."""
    owners: dict[str, str] = {}
    for app, file in files.items():
        for place, key in _places(app, file):
            if place in owners:
                problems.add(app, key, place.partition(" ")[2], f"something that {owners[place]} does not have")
            owners.setdefault(place, f"app {app} {key}")


def _places(app: str, file: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Yield what an app claims, each with its kind in front, and the key that claims it."""
    for i, route in enumerate(file["routes"]):
        path = (route["path"] or "/").rstrip("/") or "/"
        for host in route["hosts"] or ():
            yield f"route {host}{path}", f"routes[{i}]"
        for host in route["redirect_from"] or ():
            yield f"route {host}/", f"routes[{i}].redirect_from"
    networks: dict[str, str] = {_names.edge_network(app): "routes"} if file["routes"] else {}
    for name, options in file["postgres"].items():
        yield f"database {name} on {options['instance']}", f"postgres.{name}"
        networks.setdefault(_names.postgres_network(options["instance"], app), f"postgres.{name}")
    networks.update({_names.redis_host(app, use): f"redis.{use}" for use in file["redis"]})
    for network, key in networks.items():
        yield f"network {network}", key


def _check_services(
    app: str, key: str, named: t.Iterable[str | None] | None, services: t.Collection[str], problems: Problems
) -> None:
    for name in named or ():
        if name is not None and name not in services:
            problems.add(app, key, name, _one_of("service", services))


def _shown(variable: str) -> str:
    return variable if variable == "$" else "${" + variable + "}"


def _one_of(what: str, names: t.Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"a {what} ({listed})" if listed else f"a {what}, of which there is none"
