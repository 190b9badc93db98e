# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an app's services to the Compose project of one release. Compose in, Compose out."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names

# Compose's interpolation: $$, $NAME, ${NAME} and ${NAME<operator>word}.
_VARIABLE = re.compile(r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^}]*)\})")
_LONE_DOLLAR = re.compile(r"(?<!\$)(?:\$\$)*\$(?![\$A-Za-z_]|\{[A-Za-z_])")

ONE_OFF_PROFILE = "berth-one-off"
RELEASE_COMMAND = "release-command"
APP_LABEL = "berth.app"
RELEASE_LABEL = "berth.release"
SERVICE_LABEL = "berth.service"


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
    """Return service -> variable -> literal value; ``values`` holds each service's ``literal`` and ``compose`` part."""
    variables = {"VERSION": version}
    return {
        service: {
            **values.get(service, {}).get("literal", {}),
            **{k: literal(v, variables) for k, v in values.get(service, {}).get("compose", {}).items()},
        }
        for service in app["services"]
    }


def rendered_key(service: str, release: str) -> str:
    """Return a service's key in the rendered project.

    Compose makes the key an alias on every network that the service joins, so it must differ between releases.
    """
    return f"{service}-{release}"


def render(
    app: t.Mapping[str, t.Any],
    release: str,
    version: str,
    images: t.Mapping[str, str],
    addresses: t.Mapping[str, str],
) -> dict[str, t.Any]:
    """Return the Compose project of one release, without environment.

    ``images``: service -> image to run. ``addresses``: routed service -> its fixed address on the app's edge network.
    """
    services = {
        rendered_key(name, release): _service(app, name, release, version, images[name], addresses.get(name))
        for name in app["services"]
    }
    if app["release_command"]:
        key = rendered_key(RELEASE_COMMAND, release)
        services[key] = _release_command(app, release, version, images)
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
    definition = {key: value for key, value in definition.items() if key not in ("build", "image", "environment")}
    if "depends_on" in definition:
        definition["depends_on"] = _renamed_dependencies(definition["depends_on"], release)
    if definition.get("restart") is False:
        definition["restart"] = "no"  # YAML reads Compose's unquoted word as false
    networks: dict[str, t.Any] = {"default": {"aliases": [name]}}
    networks.update({network: {} for network in app["joins"][name]})
    if address is not None:
        networks[app["edge"]] = {"ipv4_address": address}
    return {
        "image": image,
        "container_name": f"{app['name']}-{name}-{release}",
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        **definition,
        "networks": networks,
        "labels": {APP_LABEL: app["name"], RELEASE_LABEL: release, SERVICE_LABEL: name},
    }


def _release_command(
    app: t.Mapping[str, t.Any], release: str, version: str, images: t.Mapping[str, str]
) -> dict[str, t.Any]:
    """Return the one-off that runs the release command: the same image and networks, but no address and no traffic."""
    command = app["release_command"]
    service = _service(app, command["service"], release, version, images[command["service"]], None)
    dropped = ("container_name", "healthcheck", "depends_on", "restart")
    return {
        **{key: value for key, value in service.items() if key not in dropped},
        "networks": {**service["networks"], "default": {}},
        "command": interpolate(command["command"], {"VERSION": version}),
        "profiles": [ONE_OFF_PROFILE],
        "healthcheck": {"disable": True},
        "restart": "no",
    }


def _renamed_dependencies(dependencies: t.Any, release: str) -> dict[str, t.Any]:
    if not isinstance(dependencies, t.Mapping):
        dependencies = {name: {"condition": "service_started"} for name in dependencies}
    return {rendered_key(name, release): options for name, options in dependencies.items()}
