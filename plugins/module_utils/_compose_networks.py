# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of compose files: a release has one of its own, on which all names that they give resolve."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping

ADDRESSES = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")


def settle_networks(app: str, reading: Reading, egress: bool, problems: Problems) -> None:
    """Leave of each service's ``networks`` and ``links`` the names that it answers to, as aliases of ``default``."""
    services = {name: s for name, s in reading.services.items() if isinstance(s, dict)}
    aliases: dict[str, set[str]] = {name: set() for name in services}
    for name, service in services.items():
        networks = service.pop("networks", None)
        if networks is not None and "network_mode" in service:
            problems.add(app, reading.at(name, "networks"), "network_mode too", "one of the two")
        elif not isinstance(networks, (t.Mapping, type(None))):
            problems.add(app, reading.at(name, "networks"), type(networks).__name__, "a list or a mapping of networks")
        else:
            for network, options in {**({} if networks else {"default": {}}), **(networks or {})}.items():
                key = f"networks.{network}"
                _check_network(app, name, network, reading, egress, problems)
                for option in ADDRESSES:
                    if option in mapping(options):
                        expected = "no fixed address; a service is reached by its name" + reading.hint(name, "networks")
                        problems.add(app, reading.at(name, key), option, expected)
                aliases[name].update(str(alias) for alias in mapping(options).get("aliases") or ())
        for target, alias in _links(app, name, service, services, reading, problems):
            aliases[target].add(alias)
            dependencies = service.setdefault("depends_on", {})
            if isinstance(dependencies, dict):
                dependencies.setdefault(target, {"condition": "service_started"})
    for name, found in aliases.items():
        if found - {name}:
            services[name]["networks"] = {"default": {"aliases": sorted(found - {name})}}


def _check_network(app: str, service: str, network: str, reading: Reading, egress: bool, problems: Problems) -> None:
    declared = reading.top["networks"]
    options = mapping(declared.get(network))
    key, hint = reading.at(service, "networks"), reading.hint(service, "networks")
    if network not in declared and network != "default":
        listed = ", ".join(sorted(declared)) or "of which there is none"
        problems.add(app, key, network, f"a network of the compose file ({listed})")
    elif options.get("external"):
        expected = "no external network; apps do not reach each other's networks"
        problems.add(app, key, f"{network}, which is external", expected + hint)
    elif options.get("internal") is True and egress:
        expected = "'egress: false' in the app file: a release has one network, with a way out or without"
        problems.add(app, key, f"{network}, which is internal", expected + hint)


def _links(
    app: str,
    name: str,
    service: dict[str, t.Any],
    services: t.Mapping[str, t.Any],
    reading: Reading,
    problems: Problems,
) -> t.Iterator[tuple[str, str]]:
    """Take the links out of a service; yield the services that they lead to and the names that they give them."""
    key = reading.at(name, "links")
    links = service.pop("links", None) or []
    if not isinstance(links, list):
        problems.add(app, key, type(links).__name__, "a list of services")
        return
    for link in links:
        target, _colon, alias = str(link).partition(":")
        if target in services:
            yield target, alias or target
        else:
            problems.add(app, key, target, reading.one_of("service", services, target))
