# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From app files to what each role needs: validated as a whole, resolved once, without a look at any server."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._app_checks import (
    check_app,
    check_conflicts,
    check_env,
    check_service,
)
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems, checked, duration

POSTGRES_PORT = 5432
REDIS_PORT = 6379


def secret_names(apps: t.Mapping[str, t.Any]) -> list[str]:
    """Return the secrets that berth itself needs for these apps, as far as their files can be read."""
    names = []
    for app, definition in apps.items():
        if isinstance(definition, t.Mapping):
            names += [_names.postgres_secret(app, key) for key in _keys(definition.get("postgres"))]
            names += [_names.redis_secret(app, key) for key in _keys(definition.get("redis"))]
    return sorted(names)


def problems_of(apps: t.Mapping[str, t.Any], postgres_instances: t.Collection[str]) -> list[str]:
    """Return every mistake in the app files, a message each. ``postgres_instances``: names that exist."""
    problems = Problems()
    files = {name: _checked_app(name, apps[name], problems) for name in sorted(apps)}
    for name, file in files.items():
        check_app(name, file, postgres_instances, problems)
    check_conflicts(files, problems)
    return problems.messages


def resolve(
    apps: t.Mapping[str, t.Any], secrets: t.Mapping[str, str], builds: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Return everything that roles need to know about apps that have no problems.

    ``apps``: name -> app file. ``secrets``: secret name -> value, with all of ``secret_names``. ``builds``: app ->
    service -> its build with ``image``, ``context`` and ``digest``.
    """
    files = {name: _checked_app(name, apps[name], Problems()) for name in sorted(apps)}
    resolved = [_resolve_app(name, file, secrets, builds.get(name, {})) for name, file in files.items()]
    return {
        "apps": resolved,
        "hosts": sorted({h for f in files.values() for r in f["routes"] for h in r["hosts"] + r["redirect_from"]}),
        "networks": {"public": {"internal": False}}
        | {name: {"internal": True} for app in resolved for name in app["networks"]},
        "edge_networks": [app["edge"] for app in resolved if app["edge"]],
        "postgres_databases": [database for app in resolved for database in app.pop("databases")],
        "redis_instances": {name: options for app in resolved for name, options in app.pop("caches").items()},
        "environments": {app["name"]: app.pop("environment") for app in resolved},
    }


def _checked_app(name: str, value: t.Any, problems: Problems) -> dict[str, t.Any]:
    """Return an app file with all keys; what is wrong is reported and None, or empty where it holds more keys."""
    if not schema.NAME.match(name):
        problems.add(name, "name", name, schema.NAME_WORDS)
    file = checked(name, "", value, schema.APP, problems)
    for key, spec in (("postgres", schema.POSTGRES), ("redis", schema.REDIS), ("volumes", schema.VOLUME)):
        items = (file[key] or {}).items()
        file[key] = {str(item): checked(name, f"{key}.{item}", v, spec, problems) for item, v in items}
    routes = enumerate(file["routes"] or ())
    file["routes"] = [checked(name, f"routes[{i}]", route, schema.ROUTE, problems) for i, route in routes]
    for i, route in enumerate(file["routes"]):
        if route["rate_limit"]:
            limit = checked(name, f"routes[{i}].rate_limit", route["rate_limit"], schema.RATE_LIMIT, problems)
            route["rate_limit"] = limit
    if file["release_command"] is not None:
        command = checked(name, "release_command", file["release_command"], schema.RELEASE_COMMAND, problems)
        command["timeout"] = duration(name, "release_command.timeout", command["timeout"], problems)
        file["release_command"] = command
    file["drain"] = duration(name, "drain", file["drain"], problems)
    check_env(name, "env", file["env"], problems)
    for service, definition in (file["services"] or {}).items():
        check_service(name, str(service), definition, file, problems)
        if isinstance(definition, t.Mapping):
            check_env(name, f"services.{service}.environment", definition.get("environment"), problems)
    return file


def _resolve_app(
    name: str, file: t.Mapping[str, t.Any], secrets: t.Mapping[str, str], builds: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    services = list(file["services"])
    environment: dict[str, dict[str, str]] = {s: _texts(file["env"]) for s in services}
    joins: dict[str, list[str]] = {s: [] for s in services}
    databases, caches = [], {}
    for database, options in file["postgres"].items():
        host = _names.postgres_host(options["instance"])
        network = _names.postgres_network(options["instance"], name)
        password = secrets[_names.postgres_secret(name, database)]
        values = {"user": database, "password": password, "host": host, "port": POSTGRES_PORT, "name": database}
        _give(options, services, network, _filled(options["env"], values), joins, environment)
        databases.append(
            {
                "name": database,
                "owner": database,
                "password": password,
                "instance": options["instance"],
                "extensions": options["extensions"],
                "network": network,
            }
        )
    for use, options in file["redis"].items():
        host = _names.redis_host(name, use)
        password = secrets[_names.redis_secret(name, use)]
        url = f"redis://{name}:{password}@{host}:{REDIS_PORT}/0"
        values = {"user": name, "password": password, "host": host, "port": REDIS_PORT, "url": url}
        _give(options, services, host, _filled(options["env"], values), joins, environment)
        caches[_names.redis_instance(name, use)] = {
            "user": name,
            "password": password,
            "network": host,
            **{key: options[key] for key in ("maxmemory", "policy", "persistence")},
        }
    edge = _names.edge_network(name) if file["routes"] else ""
    definitions = {s: {k: v for k, v in d.items() if k != "environment"} for s, d in file["services"].items()}
    return {
        "name": name,
        "version": file["version"],
        "services": definitions,
        "builds": dict(builds),
        "networks": [n for n in [edge] if n] + sorted({n for names in joins.values() for n in names}),
        "edge": edge,
        "joins": joins,
        "routes": file["routes"],
        "volumes": file["volumes"],
        "release_command": file["release_command"],
        "exclusive": file["exclusive"],
        "drain": file["drain"],
        "egress": file["egress"],
        # Literal values, and those in Compose's words (${VERSION}, $$), which win.
        "environment": {
            s: {"literal": environment[s], "compose": _texts(_mapping(file["services"][s].get("environment")))}
            for s in services
        },
        "databases": databases,
        "caches": caches,
    }


def _give(
    options: t.Mapping[str, t.Any],
    services: t.Sequence[str],
    network: str,
    env: t.Mapping[str, str],
    joins: dict[str, list[str]],
    environment: dict[str, dict[str, str]],
) -> None:
    """Let the services that use an instance join its network and know its address; all, unless some are named."""
    for service in options["services"] or services:
        joins[service].append(network)
        environment[service].update(env)


def _filled(env: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Fill ``{user}`` and the like; other braces, and those inside a filled value, stay as they are."""

    def value(match: re.Match[str]) -> str:
        return str(values.get(match[1], match[0]))

    return {key: re.sub(r"\{(\w+)\}", value, text) for key, text in _texts(env).items()}


def _mapping(environment: t.Any) -> dict[str, t.Any]:
    """Return Compose's two forms of ``environment`` as a mapping."""
    if isinstance(environment, t.Mapping):
        return dict(environment)
    return dict(str(entry).partition("=")[::2] for entry in environment or ())


def _texts(env: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return values as the text that a container sees; YAML's true is Compose's ``true``."""
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in env.items()}


def _keys(value: t.Any) -> list[str]:
    return list(value) if isinstance(value, t.Mapping) else []
