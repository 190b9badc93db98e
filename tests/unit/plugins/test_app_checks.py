# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mistake in an app file is one message that names app, key, what was found and what was expected."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._apps import problems_of

WEB: dict[str, t.Any] = {"image": "web:1"}
ROUTE: dict[str, t.Any] = {"hosts": ["a.example.com"], "service": "web", "port": 80}


def problems(services: dict[str, t.Any] | None = None, **keys: t.Any) -> list[str]:
    return problems_of({"shop": {"services": {"web": WEB} if services is None else services, **keys}}, ["main"])


def web(**keys: t.Any) -> dict[str, t.Any]:
    return {"services": {"web": {**WEB, **keys}}}


def routed(**keys: t.Any) -> dict[str, t.Any]:
    return {"routes": [{**ROUTE, **keys}]}


# id -> (the app's keys, then what the message must hold: key, found, expected)
MISTAKES: dict[str, tuple[dict[str, t.Any], str, str, str]] = {
    "unknown key": ({"servces": {}}, "file", "servces", "services"),
    "unknown key of a route": (routed(hots=[]), "routes[0]", "hots", "hosts"),
    "unknown key of a database": ({"postgres": {"db": {"extention": 1}}}, "postgres.db", "extention", "extensions"),
    "unknown key of a cache": ({"redis": {"queue": {"size": 1}}}, "redis.queue", "size", "maxmemory"),
    "unknown key of a volume": ({"volumes": {"v": {"backup": "files", "x": 1}}}, "volumes.v", "'x'", "backup"),
    "unknown key of a rate limit": (
        routed(rate_limit={"average": 1, "burst": 1, "x": 1}),
        "routes[0].rate_limit",
        "'x'",
        "average",
    ),
    "unknown key of the release command": (
        {"release_command": {"service": "web", "command": ["a"], "once": True}},
        "release_command",
        "once",
        "command",
    ),
    "text for a list of routes": ({"routes": {"a": 1}}, "routes", "dict", "list"),
    "no mapping for a volume": ({"volumes": {"v": "files"}}, "volumes.v", "str", "mapping"),
    "no mapping for a service": ({"services": {"web": None}}, "services.web", "None", "mapping"),
    "no backup rule": ({"volumes": {"v": {}}}, "volumes.v", "missing", "backup"),
    "wrong backup rule": ({"volumes": {"v": {"backup": "tape"}}}, "volumes.v", "tape", "duckdb"),
    "wrong persistence": ({"redis": {"queue": {"persistence": "rdb"}}}, "redis.queue", "rdb", "aof"),
    "text for a port": (routed(port="http"), "routes[0]", "'http'", "whole number"),
    "port too high": (routed(port=65536), "routes[0].port", "65536", "65535"),
    "route without hosts": (routed(hosts=[]), "routes[0].hosts", "", "host"),
    "host with a scheme": (routed(hosts=["https://a.example.com"]), "routes[0].hosts", "https://a", "host name"),
    "host in capitals": (routed(hosts=["A.example.com"]), "routes[0].hosts", "A.example.com", "lower case"),
    "redirect from no host": (routed(redirect_from=["*"]), "routes[0].", "'*'", "host name"),
    "relative path": (routed(path="api"), "routes[0].path", "'api'", "starts with /"),
    "path that ends Traefik's rule": (routed(path="/a`)"), "routes[0].path", "/a`)", "path"),
    "relative health": (routed(health="ok"), "routes[0].health", "'ok'", "starts with /"),
    "period of a rate limit": (
        routed(rate_limit={"average": 1, "burst": 1, "period": "often"}),
        "routes[0].rate_limit",
        "often",
        "duration",
    ),
    "route to no service": (routed(service="wep"), "routes[0].service", "'wep'", "(web)"),
    "release command of no service": (
        {"release_command": {"service": "wep", "command": ["a"]}},
        "release_command.service",
        "'wep'",
        "(web)",
    ),
    "empty release command": (
        {"release_command": {"service": "web", "command": []}},
        "release_command.command",
        "",
        "command",
    ),
    "timeout of the release command": (
        {"release_command": {"service": "web", "command": ["a"], "timeout": "long"}},
        "release_command.timeout",
        "'long'",
        "30s",
    ),
    "variable in the release command": (
        {"release_command": {"service": "web", "command": ["a", "$HOME"]}},
        "release_command",
        "HOME",
        "${VERSION}",
    ),
    "exclusive of no service": ({"exclusive": ["beat"]}, "exclusive", "'beat'", "(web)"),
    "database for no service": ({"postgres": {"db": {"services": ["x"]}}}, "postgres.db.services", "'x'", "(web)"),
    "cache for no service": ({"redis": {"queue": {"services": ["x"]}}}, "redis.queue.services", "'x'", "(web)"),
    "database on no instance": ({"postgres": {"db": {"instance": "x"}}}, "postgres.db.instance", "'x'", "(main)"),
    "database of the superuser": ({"postgres": {"postgres": {}}}, "postgres.postgres", "postgres", "database"),
    "name of a database": ({"postgres": {"My Db": {}}}, "postgres.My Db", "My Db", "letters"),
    "name of a cache": ({"redis": {"My Queue": {}}}, "redis.My Queue", "My Queue", "letters"),
    "name of a volume": ({"volumes": {"My/Files": {"backup": "files"}}}, "volumes.My/Files", "My/Files", "letters"),
    "name of a service": ({"services": {"Web_1": WEB}}, "services.Web_1", "Web_1", "letters"),
    "name of a service is a number": ({"services": {8: WEB}}, "services.8", "8", "letters"),
    "service named like the one-off": (
        {
            "services": {"web": WEB, "release-command": WEB},
            "release_command": {"service": "web", "command": ["a"]},
        },
        "services.release-command",
        "release-command",
        "name",
    ),
    "drain": ({"drain": 30}, "drain", "30", "30s"),
    "version": ({"version": "1.4 beta"}, "version", "1.4 beta", "letters"),
    "neither image nor build": ({"services": {"web": {}}}, "services.web", "neither", "image or build"),
    "both image and build": ({**web(build="."), "source": "x"}, "services.web", "both", "image or build"),
    "build without source": ({"services": {"web": {"build": "."}}}, "services.web.build", "'.'", "source"),
    "unknown variable": (web(command="run $PORT"), "services.web", "PORT", "${VERSION}"),
    "variable with a default": (web(command="${VERSION:-1}"), "services.web", "VERSION:-1", "${VERSION}"),
    "lone dollar sign": (web(command="echo $(date)"), "services.web", "$", "$$"),
    "dependency on no service": (web(depends_on=["db"]), "services.web.depends_on", "'db'", "(web)"),
    "dependency that is a mapping": (web(depends_on=[{"db": 1}]), "services.web.depends_on", "db", "service"),
    "dependency that is a number": (web(depends_on=5), "services.web.depends_on", "5", ""),
    "deploy that is text": (web(deploy="x2"), "services.web.deploy", "", ""),
    "volumes that are a number": (web(volumes=5), "services.web.volumes", "", ""),
    "undeclared volume": (web(volumes=["data:/data"]), "services.web.volumes[0]", "data:/data", "backup rule"),
    "bind mount": (web(volumes=["/etc:/etc"]), "services.web.volumes[0]", "/etc:/etc", "volume"),
    "anonymous volume": (web(volumes=["/data"]), "services.web.volumes[0]", "/data", "volume"),
    "long form of a bind mount": (
        web(volumes=[{"type": "bind", "source": "/etc", "target": "/e"}]),
        "services.web.volumes[0]",
        "/etc",
        "volume",
    ),
    "more than one replica": (web(deploy={"replicas": 2}), "services.web.deploy", "2", "replicas"),
    "volumes of another service": (web(volumes_from=["db"]), "services.web.volumes_from", "db", "volumes_from"),
} | {
    f"refused {key}": (web(**{key: value}), f"services.web.{key}", str(value), "no ")
    for key, value in {
        "ports": ["80:80"],
        "container_name": "x",
        "external_links": ["x"],
        "networks": ["x"],
        "env_file": ".env",
        "extends": {"service": "x"},
        "labels": {"a": "b"},
        "links": ["x"],
        "scale": 2,
        "network_mode": "host",
        "pid": "host",
        "ipc": "host",
    }.items()
}


@pytest.mark.parametrize(("keys", "key", "found", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_is_reported(keys: dict[str, t.Any], key: str, found: str, expected: str) -> None:
    messages = problems(**keys)
    assert messages, "not reported"
    parts = ("app shop", key, found, expected)
    assert any(all(part in message for part in parts) for message in messages), messages


PAIRS: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    "same host": (routed(), routed(), "a.example.com/"),
    "same host and path": (routed(path="/api"), routed(path="/api"), "a.example.com/api"),
    "paths that Traefik is given as one": (routed(path="/api"), routed(path="/api/"), "a.example.com/api"),
    "redirect of another's host": (routed(), routed(hosts=["b.b"], redirect_from=["a.example.com"]), "a.example.com/"),
    "same database": ({"postgres": {"db": {}}}, {"postgres": {"db": {}}}, "db"),
}


@pytest.mark.parametrize(("one", "other", "found"), PAIRS.values(), ids=PAIRS.keys())
def test_conflict_of_two_apps_is_reported(one: dict[str, t.Any], other: dict[str, t.Any], found: str) -> None:
    (message,) = problems_of({n: {"services": {"web": WEB}, **k} for n, k in (("aa", one), ("bb", other))}, ["main"])
    assert message.startswith("app bb: ")
    assert found in message
    assert "app aa" in message


def test_caches_of_two_apps_never_share_an_instance() -> None:
    """Host, container, network and volume of a cache are named by app and use together."""
    apps = {
        "shop": {"services": {"web": WEB}, "redis": {"queue-main": {}}},
        "shop-queue": {"services": {"web": WEB}, "redis": {"main": {}}},
    }
    assert problems_of(apps, []) != []


def test_networks_of_two_apps_are_never_one() -> None:
    apps = {
        "shop": {"services": {"web": WEB}, "postgres": {"one": {"instance": "main-x"}}},
        "x-shop": {"services": {"web": WEB}, "postgres": {"two": {"instance": "main"}}},
    }
    assert problems_of(apps, ["main", "main-x"]) != []


def test_different_paths_and_instances_do_not_conflict() -> None:
    one = {"services": {"web": WEB}, **routed(path="/a"), "postgres": {"db": {"instance": "main"}}}
    other = {"services": {"web": WEB}, **routed(path="/b"), "postgres": {"db": {"instance": "other"}}}
    assert problems_of({"aa": one, "bb": other}, ["main", "other"]) == []
