# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema cannot say: references between parts of an app, and apps against each other and the server."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils import _names, _postgres_checks
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems, duration
from ansible_collections.berth.server.plugins.module_utils._environment_checks import (
    check_env,
    unfit,
)
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping
from ansible_collections.berth.server.plugins.module_utils._redis_checks import setting_mistakes
from ansible_collections.berth.server.plugins.module_utils._references import borrowed, replicas

Files = t.Mapping[str, t.Mapping[str, t.Any]]


def check_app(
    app: str, file: t.Mapping[str, t.Any], instances: t.Collection[str], reading: Reading, problems: Problems
) -> None:
    """Check the names in an app and the references between its parts."""
    services = file["services"] or {}
    if file["services"] == {} and not reading.messages:
        problems.add(app, "services", "none", "at least one service, here or in the files of compose")
    for i, route in enumerate(file["routes"]):
        _check_route(app, f"routes[{i}]", route, services, reading, problems)
    for name, options in file["postgres"].items():
        if not schema.DATABASE.match(name) or name in schema.OWN_DATABASES:
            problems.add(app, f"postgres.{name}", name, schema.DATABASE_WORDS)
        if options["instance"] not in (None, *instances):
            expected = reading.one_of("Postgres instance of postgres_instances", instances, None)
            problems.add(app, f"postgres.{name}.instance", options["instance"], expected)
        for problem in _postgres_checks.content_problems(f"postgres.{name}", options):
            problems.add(app, *problem)
    for name in file["redis"]:
        if not schema.NAME.match(name):
            problems.add(app, f"redis.{name}", name, schema.NAME_WORDS)
        for key, found, expected in setting_mistakes(file["redis"][name]):
            problems.add(app, f"redis.{name}.{key}", found, expected)
    for name in file["volumes"]:
        if not schema.VOLUME_NAME.match(name):
            problems.add(app, f"volumes.{name}", name, schema.VOLUME_WORDS)
    _check_secrets(app, file["secrets"] or {}, problems)
    for kind in ("postgres", "redis"):
        for name, options in file[kind].items():
            check_services(app, f"{kind}.{name}.services", options["services"], services, reading, problems)
            check_env(app, f"{kind}.{name}.env", options["env"], problems)
    check_services(app, "exclusive", file["exclusive"], services, reading, problems)
    for name in file["exclusive"] or ():
        if replicas(services.get(name)) > 1:
            problems.add(
                app, "exclusive", f"{name} with {replicas(services[name])} replicas", "a service with one container"
            )
    if file["version"] and not schema.VERSION.match(file["version"]):
        problems.add(app, "version", file["version"], schema.VERSION_WORDS)


def _check_route(
    app: str,
    key: str,
    route: t.Mapping[str, t.Any],
    services: t.Mapping[str, t.Any],
    reading: Reading,
    problems: Problems,
) -> None:
    check_services(app, f"{key}.service", [route["service"]], services, reading, problems)
    network = mapping(services.get(str(route["service"]))).get("network_mode")
    other = borrowed(network)
    if other or network == "none":
        expected = f"{other}, whose network it is on" if other else "a service with a network of its own"
        problems.add(app, f"{key}.service", route["service"], expected)
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
    for job in file["jobs"]:
        yield f"unit {_names.job_unit(app, job)}", f"jobs.{job}"
    for network, key in networks.items():
        yield f"network {network}", key


def check_services(
    app: str,
    key: str,
    named: t.Iterable[str | None] | None,
    services: t.Collection[str],
    reading: Reading,
    problems: Problems,
) -> None:
    """Check that all names are of services; None stands for one that was wrong otherwise."""
    for name in named or ():
        if name is not None and name not in services:
            problems.add(app, key, name, reading.one_of("service", services, name))


def _check_secrets(app: str, secrets: t.Mapping[str, t.Any], problems: Problems) -> None:
    """Check that secrets can be files; their values are never shown."""
    for name, value in secrets.items():
        if not schema.VOLUME_NAME.match(str(name)):
            problems.add(app, "secrets", name, schema.VOLUME_WORDS)
        if value is None or isinstance(value, (list, t.Mapping)):
            problems.add(
                app, f"secrets.{name}", "nothing" if value is None else type(value).__name__, "a text or number"
            )
        elif (found := unfit(str(value))) and "surrogate" in found:
            problems.add(app, f"secrets.{name}", found, "a text that can be written as UTF-8")
