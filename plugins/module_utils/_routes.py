# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's dynamic configuration of one app, and whether a running Traefik follows it."""

from __future__ import annotations

import re
import typing as t


def route_file(
    app: t.Mapping[str, t.Any], addresses: t.Mapping[str, t.Sequence[str]], entry_point: str, tls: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the content of ``dynamic/app-<app>.yml``: a router and a service per route, by fixed addresses."""
    routers: dict[str, t.Any] = {}
    services: dict[str, t.Any] = {}
    middlewares: dict[str, t.Any] = {}
    for index, route in enumerate(app["routes"]):
        name = f"{app['name']}-{index}"
        used = {f"{name}-own-{key}": options for key, options in route["middlewares"].items()}
        if route["rate_limit"]:
            used[f"{name}-rate-limit"] = {"rateLimit": dict(route["rate_limit"])}
        middlewares.update(used)
        routers[name] = _router(_rule(route["hosts"], route["path"]), name, list(used), entry_point, tls)
        servers = [{"url": f"http://{address}:{route['port']}"} for address in addresses[route["service"]]]
        services[name] = {"loadBalancer": {"servers": servers}}
        if route["redirect_from"]:
            redirect = f"{name}-redirect"
            middlewares[redirect] = {"redirectRegex": _redirect(route["hosts"][0])}
            # A redirect never reaches the service, but Traefik wants every router to name one.
            routers[redirect] = _router(_rule(route["redirect_from"], "/"), name, [redirect], entry_point, tls)
    http = {"routers": routers, "services": services, "middlewares": middlewares}
    return {"http": {key: value for key, value in http.items() if value}}


def follows(rawdata: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any], app: str) -> list[str]:
    """Return how a running Traefik (its ``/api/rawdata``) differs from a route file; nothing when it follows it."""
    problems = []
    for name, router in wanted["http"].get("routers", {}).items():
        live = (rawdata.get("routers") or {}).get(f"{name}@file")
        if live is None:
            problems.append(f"router {name} is not there")
        elif live.get("status") != "enabled":
            problems.append(f"router {name} is {live.get('status')}: {'; '.join(live.get('error') or [])}")
        elif live.get("rule") != router["rule"]:
            problems.append(f"router {name} still has rule {live.get('rule')}")
    for name, service in wanted["http"].get("services", {}).items():
        live = (rawdata.get("services") or {}).get(f"{name}@file") or {}
        have = [server["url"] for server in live.get("loadBalancer", {}).get("servers", [])]
        want = [server["url"] for server in service["loadBalancer"]["servers"]]
        if sorted(have) != sorted(want):
            problems.append(f"service {name} leads to {have or 'nothing'}, expected {want}")
    own = re.compile(re.escape(app) + r"-\d+(-redirect)?@file\Z")
    for name in rawdata.get("routers") or {}:
        if own.match(name) and name.removesuffix("@file") not in wanted["http"].get("routers", {}):
            problems.append(f"router {name} is still there")
    return problems


def _router(
    rule: str, service: str, middlewares: list[str], entry_point: str, tls: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    router: dict[str, t.Any] = {"rule": rule, "entryPoints": [entry_point], "service": service, "tls": dict(tls)}
    if middlewares:
        router["middlewares"] = middlewares
    return router


def _rule(hosts: t.Sequence[str], path: str) -> str:
    rule = " || ".join(f"Host(`{host}`)" for host in hosts)
    if path == "/":
        return rule
    # PathPrefix(`/api`) would match /apiary too.
    return f"({rule}) && (Path(`{path.rstrip('/')}`) || PathPrefix(`{path.rstrip('/')}/`))"


def _redirect(host: str) -> dict[str, t.Any]:
    return {"regex": r"^https?://[^/]+/(.*)", "replacement": f"https://{host}/${{1}}", "permanent": True}
