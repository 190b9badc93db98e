# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From app files to what each role needs: validated as a whole, resolved once, without a look at any server."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._app_checks import check_app, check_conflicts
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems, checked, duration
from ansible_collections.berth.server.plugins.module_utils._command_checks import check_commands
from ansible_collections.berth.server.plugins.module_utils._environment_checks import check_env
from ansible_collections.berth.server.plugins.module_utils._mounts import give
from ansible_collections.berth.server.plugins.module_utils._reading import Reading
from ansible_collections.berth.server.plugins.module_utils._references import borrowed
from ansible_collections.berth.server.plugins.module_utils._service_checks import check_service
from ansible_collections.berth.server.plugins.module_utils._uses import as_mapping, as_texts, let_use, url

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


def problems_of(
    apps: t.Mapping[str, t.Any],
    postgres_instances: t.Collection[str],
    readings: t.Mapping[str, Reading] = types.MappingProxyType({}),
) -> list[str]:
    """Return every mistake in the app files, a message each.

    ``apps``: with all their services, as ``expanded`` returns them. ``postgres_instances``: names that exist.
    """
    problems = Problems()
    files = {name: _checked_app(name, apps[name], readings.get(name, Reading()), problems) for name in sorted(apps)}
    for name, file in files.items():
        check_app(name, file, postgres_instances, readings.get(name, Reading()), problems)
        check_commands(name, file, readings.get(name, Reading()), problems)
    check_conflicts(files, problems)
    return problems.messages


def resolve(
    apps: t.Mapping[str, t.Any],
    secrets: t.Mapping[str, str],
    builds: t.Mapping[str, t.Mapping[str, t.Any]],
    readings: t.Mapping[str, Reading] = types.MappingProxyType({}),
) -> dict[str, t.Any]:
    """Return everything that roles need to know about apps that have no problems.

    ``apps``: name -> app file. ``secrets``: secret name -> value, with all of ``secret_names``. ``builds``: app ->
    service -> its build with ``image``, ``context`` and ``digest``.
    """
    read = {name: readings.get(name, Reading()) for name in sorted(apps)}
    files = {name: _checked_app(name, apps[name], read[name], Problems()) for name in read}
    resolved = [_resolve_app(name, file, secrets, builds.get(name, {}), read[name]) for name, file in files.items()]
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


def _checked_app(name: str, value: t.Any, reading: Reading, problems: Problems) -> dict[str, t.Any]:
    """Return an app file with all keys; what is wrong is reported and None, or empty where it holds more keys."""
    if not schema.NAME.match(name):
        problems.add(name, "name", name, schema.NAME_WORDS)
    file = checked(name, "", value, schema.APP, problems)
    named = {"postgres": schema.POSTGRES, "redis": schema.REDIS, "volumes": schema.VOLUME, "jobs": schema.JOB}
    for key, spec in named.items():
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
    for job, options in file["jobs"].items():
        options["timeout"] = duration(name, f"jobs.{job}.timeout", options["timeout"], problems, least=0.001)
    file["drain"] = duration(name, "drain", file["drain"], problems)
    check_env(name, "env", file["env"], problems)
    for service, definition in (file["services"] or {}).items():
        check_service(name, str(service), definition, file, reading, problems)
        if isinstance(definition, t.Mapping):
            give(name, str(service), definition, file["secrets"] or {}, reading, problems)
            check_env(name, reading.at(str(service), "environment"), reading.environment.get(str(service)), problems)
            check_env(name, f"services.{service}.environment", definition.get("environment"), problems)
    return file


def _resolve_app(
    name: str,
    file: t.Mapping[str, t.Any],
    secrets: t.Mapping[str, str],
    builds: t.Mapping[str, t.Any],
    reading: Reading,
) -> dict[str, t.Any]:
    services = list(file["services"])
    given = {s: give(name, s, d, file["secrets"], reading, Problems()) for s, d in file["services"].items()}
    environment: dict[str, dict[str, str]] = {s: as_texts(file["env"]) for s in services}
    joins: dict[str, list[str]] = {s: [] for s in services}
    databases, caches = [], {}
    for database, options in file["postgres"].items():
        host = _names.postgres_host(options["instance"])
        network = _names.postgres_network(options["instance"], name)
        password = secrets[_names.postgres_secret(name, database)]
        values = {"user": database, "password": password, "host": host, "port": POSTGRES_PORT, "name": database}
        values["url"] = url("postgresql", values, database)
        let_use(f"postgres-{database}", options, network, values, joins, environment, given)
        databases.append(
            {
                "name": database,
                "owner": database,
                "password": password,
                "instance": options["instance"],
                "extensions": options["extensions"],
                "import": options["import"],
                "import_from": options["import_from"],
                "network": network,
            }
        )
    for use, options in file["redis"].items():
        host = _names.redis_host(name, use)
        password = secrets[_names.redis_secret(name, use)]
        values = {"user": name, "password": password, "host": host, "port": REDIS_PORT}
        values["url"] = url("redis", values, "0")
        let_use(f"redis-{use}", options, host, values, joins, environment, given)
        caches[_names.redis_instance(name, use)] = {
            "user": name,
            "password": password,
            "network": host,
            **{key: options[key] for key in ("maxmemory", "policy", "persistence", "parameters")},
        }
    edge = _names.edge_network(name) if file["routes"] else ""
    definitions = {s: {k: v for k, v in g.definition.items() if k != "environment"} for s, g in given.items()}
    _lend_networks(definitions, joins)
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
        # Each once, whoever mounts it.
        "mounts": list({shared["digest"]: shared for g in given.values() for shared in g.shared}.values()),
        "release_command": file["release_command"],
        "jobs": {j: {k: v for k, v in o.items() if k != "environment"} for j, o in file["jobs"].items()},
        "exclusive": file["exclusive"],
        "drain": file["drain"],
        "egress": file["egress"],
        # What later ones win over: Compose's words (${VERSION}, $$) of files, literal values, the app file's own words.
        "environment": {
            s: {
                **({"file": reading.environment[s]} if reading.environment.get(s) else {}),
                "literal": environment[s],
                "compose": as_texts(as_mapping(file["services"][s].get("environment"))),
                **({"files": given[s].files} if given[s].files else {}),
            }
            for s in services
        }
        | {_names.job_service(j): {"compose": as_texts(o["environment"])} for j, o in file["jobs"].items()},
        "databases": databases,
        "caches": caches,
    }


def _lend_networks(definitions: t.Mapping[str, t.Any], joins: dict[str, list[str]]) -> None:
    """Put a service whose network others live on, on the networks that they need."""
    for service, definition in definitions.items():
        if definition.get("network_mode"):
            lent, joins[service] = joins[service], []
            other = borrowed(definition["network_mode"])
            if other in joins:
                joins[other] += [network for network in lent if network not in joins[other]]


def _keys(value: t.Any) -> list[str]:
    return list(value) if isinstance(value, t.Mapping) else []
