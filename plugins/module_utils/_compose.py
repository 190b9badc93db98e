# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an app's services to the Compose project of one release. Compose in, Compose out."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._references import (
    is_awaited,
    renamed,
    rendered_key,
    replicas_of,
)

# Compose's interpolation: $$, $NAME, ${NAME} and ${NAME<operator>word}.
_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^}]*)\})")
_LONE_DOLLAR = re.compile(r"(?<!\$)(?:\$\$)*\$(?![\$A-Za-z_]|\{[A-Za-z_])")

ONE_OFF_PROFILE = "berth-one-off"
RELEASE_COMMAND = "release-command"
APP_LABEL = "berth.app"
RELEASE_LABEL = "berth.release"
SERVICE_LABEL = "berth.service"
# journald keeps it as OBJECT_SYSTEMD_UNIT, by which `journalctl --unit` finds what others say about a unit.
UNIT_LABEL = "object.systemd.unit"


def interpolate(value: t.Any, variables: t.Mapping[str, str]) -> t.Any:
    """Fill the given variables into every string; other variables and ``$$`` stay for Compose to read."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda m: variables.get(m["plain"] or m["braced"] or "", m[0]), value)
    if isinstance(value, t.Mapping):
        return {key: interpolate(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    return value


def unknown_variables(value: t.Any, known: t.Collection[str]) -> set[str]:
    """Return the variables beyond the known ones, those used with an operator, and ``$`` for a lone dollar sign."""
    if isinstance(value, str):
        return ({"$"} if _LONE_DOLLAR.search(value) else set()) | {
            (m["plain"] or m["braced"]) + (m["rest"] or "")
            for m in _VARIABLE.finditer(value)
            if m[0] != "$$" and ((m["plain"] or m["braced"]) not in known or m["rest"])
        }
    items = value.values() if isinstance(value, t.Mapping) else value if isinstance(value, list) else ()
    return {name for item in items for name in unknown_variables(item, known)}


def uses_version(value: t.Any) -> bool:
    """Tell whether ``${VERSION}`` occurs anywhere in the value."""
    return "VERSION" in unknown_variables(value, ())


def literal(value: str, variables: t.Mapping[str, str]) -> str:
    """Return what Compose would make of a value: variables filled in, ``$$`` read as one dollar sign."""
    return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else variables.get(m["plain"] or m["braced"], ""), value)


def environment(app: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any], version: str) -> dict[str, dict[str, str]]:
    """Return service or one-off -> variable -> literal value.

    ``values`` holds the parts of each service, of which later ones win, and of one-offs what they have beside that:
    ``file`` is what compose files say, in Compose's words; ``literal`` what the app says; ``compose`` what the app
    file's services say, in Compose's words.
    """
    variables = {"VERSION": version}

    def own(name: str) -> dict[str, str]:
        given = values.get(name, {})
        read, said = (
            {key: literal(value, variables) for key, value in given.get(part, {}).items()}
            for part in ("file", "compose")
        )
        return {**read, **given.get("literal", {}), **said}

    services = {service: own(service) for service in app["services"]}
    return services | {name: {**services[o["service"]], **own(name)} for name, o in one_offs(app).items()}


def render(
    app: t.Mapping[str, t.Any],
    release: str,
    version: str,
    images: t.Mapping[str, str],
    addresses: t.Mapping[str, t.Sequence[str]],
) -> dict[str, t.Any]:
    """Return the Compose project of one release, without environment.

    ``images``: service -> image to run. ``addresses``: routed service -> the fixed address of each of its containers on
    the app's edge network. Such an address cannot be shared, so each container is a service of its own.
    """
    services = {}
    for name in app["services"]:
        for index, replica in enumerate(replicas_of(app, name)):
            address = addresses[name][index] if name in addresses else None
            rendered = _service(app, name, release, version, images[name], address)
            container = {"container_name": f"{app['name']}-{replica}-{release}"}
            services[rendered_key(replica, release)] = {"image": rendered.pop("image"), **container, **rendered}
    for name, once in one_offs(app).items():
        services[name] = one_off(app, name, once, release, version, images[once["service"]])
    return {
        "services": services,
        "networks": {"default": {"internal": not app["egress"]}, **external_networks(app["networks"])},
        "volumes": {name: {"name": _names.volume(app["name"], name), "external": True} for name in app["volumes"]},
    }


def external_networks(names: t.Iterable[str]) -> dict[str, t.Any]:
    """Return the ``networks`` block of a Compose project whose networks are made elsewhere."""
    return {name: {"name": name, "external": True} for name in names}


def routed_services(app: t.Mapping[str, t.Any]) -> list[str]:
    """Return the services that routes lead to, each once, in the order of the routes."""
    return list(dict.fromkeys(route["service"] for route in app["routes"]))


def _service(
    app: t.Mapping[str, t.Any], name: str, release: str, version: str, image: str, address: str | None
) -> dict[str, t.Any]:
    definition = interpolate(app["services"][name], {"VERSION": version})
    aliases = ((definition.get("networks") or {}).get("default") or {}).get("aliases") or []
    labels = {key: "" if value is None else str(value) for key, value in (definition.get("labels") or {}).items()}
    dropped = ("build", "image", "environment", "networks", "labels")
    definition = {key: value for key, value in definition.items() if key not in dropped}
    definition.update(renamed(app, definition, release))
    if "deploy" in definition:
        definition["deploy"] = {k: v for k, v in definition["deploy"].items() if k != "replicas"}
    if definition.get("restart") is False:
        definition["restart"] = "no"  # YAML reads Compose's unquoted word as false
    networks: dict[str, t.Any] = {"default": {"aliases": [name, *aliases]}}
    networks.update({network: {} for network in app["joins"][name]})
    if address is not None:
        networks[app["edge"]] = {"ipv4_address": address}
    return {
        "image": image,
        "restart": "no" if is_awaited(app, name) else "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        **definition,
        # On another's network a service is in none of its own.
        **({} if definition.get("network_mode") else {"networks": networks}),
        "labels": {**labels, APP_LABEL: app["name"], RELEASE_LABEL: release, SERVICE_LABEL: name},
        "logging": _logging(app["name"], name),
    }


def one_off(
    app: t.Mapping[str, t.Any], name: str, once: t.Mapping[str, t.Any], release: str, version: str, image: str
) -> dict[str, t.Any]:
    """Return a service's twin that runs one command and ends: same image, networks and volumes, but nobody reaches it.

    It has no fixed address, no edge network, no alias and no container name, so that it runs beside the service and
    beside itself. ``once``: its ``service``; its ``command``, or None where whoever runs it says what; and the systemd
    ``unit`` that it is part of, if any.
    """
    definition = _service(app, once["service"], release, version, image, None)
    dropped = ("healthcheck", "depends_on", "restart")
    kept = {key: value for key, value in definition.items() if key not in dropped}
    if once["command"] is not None:
        kept["command"] = interpolate(once["command"], {"VERSION": version})
    if "networks" in kept:
        kept["networks"] = {**kept["networks"], "default": {}}
    unit = {UNIT_LABEL: once["unit"]} if once.get("unit") else {}
    return {
        **kept,
        "labels": {**definition["labels"], SERVICE_LABEL: name, **unit},
        "logging": _logging(app["name"], name),
        "profiles": [ONE_OFF_PROFILE],
        "healthcheck": {"disable": True},
        "restart": "no",
    }


def one_offs(app: t.Mapping[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Return name -> ``service``, ``command`` and ``unit`` of everything that a release can run once.

    Their names are their keys in the rendered project: Compose makes no alias of the key of what it runs once, so they
    need no release in them, and who starts them need not know which one serves.
    """
    command = app["release_command"]
    return {
        **({RELEASE_COMMAND: command} if command else {}),
        **{_names.run_service(service): {"service": service, "command": None} for service in app["services"]},
        **{
            _names.job_service(job): {**options, "unit": f"{_names.job_unit(app['name'], job)}.service"}
            for job, options in app["jobs"].items()
        },
    }


def log_tag(app: str, service: str) -> str:
    """Return what names the lines of a service in the journal: `journalctl --identifier`."""
    return f"{app}/{service}"


def _logging(app: str, service: str) -> dict[str, t.Any]:
    """Let containers log to journald, with what their labels say in fields of their own: BERTH_APP and so on."""
    labels = ",".join((APP_LABEL, RELEASE_LABEL, SERVICE_LABEL, UNIT_LABEL))
    return {"driver": "journald", "options": {"labels": labels, "tag": log_tag(app, service)}}
