# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every mistake in an app file is one message that names app, key, what was found and what was expected."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._apps import problems_of

from tests.unit.plugins.builders import app_problems

WEB: dict[str, t.Any] = {"image": "web:1"}
ROUTE: dict[str, t.Any] = {"hosts": ["a.example.com"], "service": "web", "port": 80}


def problems(services: dict[str, t.Any] | None = None, **keys: t.Any) -> list[str]:
    app = {"services": {"web": WEB} if services is None else services, **keys}
    return app_problems({"shop": app}, "/nowhere", ["main"])


def web(**keys: t.Any) -> dict[str, t.Any]:
    return {"services": {"web": {**WEB, **keys}}}


def job(**keys: t.Any) -> dict[str, t.Any]:
    return {"jobs": {"cleanup": {"service": "web", "command": ["clean"], "schedule": "03:15", **keys}}}


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
    "unknown key of a job": (job(shedule="daily"), "jobs.cleanup", "shedule", "schedule"),
    "job without a schedule": (
        {"jobs": {"a1": {"service": "web", "command": ["x"]}}},
        "jobs.a1",
        "missing",
        "schedule",
    ),
    "job of no service": (job(service="wep"), "jobs.cleanup.service", "'wep'", "(web)"),
    "job without a command": (job(command=[]), "jobs.cleanup.command", "", "command"),
    "variable in a job": (job(command=["x", "$HOME"]), "jobs.cleanup.command", "HOME", "${VERSION}"),
    "bad schedule": (job(schedule="every day"), "jobs.cleanup.schedule", "every day", "03:15"),
    "schedule of cron": (job(schedule="15 3 * * *"), "jobs.cleanup.schedule", "15 3 * * *", "03:15"),
    "timeout of a job": (job(timeout="long"), "jobs.cleanup.timeout", "'long'", "30s"),
    "timeout of nothing": (job(timeout="0s"), "jobs.cleanup.timeout", "'0s'", "more than 0"),
    "name of a job": ({"jobs": {"Clean_Up": job()["jobs"]["cleanup"]}}, "jobs.Clean_Up", "Clean_Up", "letters"),
    "variable of a job without a value": (job(environment={"A": None}), "jobs.cleanup.environment.A", "nothing", "''"),
    "unknown variable of a job": (job(environment={"A": "$B"}), "jobs.cleanup.environment", "a variable", "$$"),
    "service named like a job": (
        {**job(), "services": {"web": WEB, "job-cleanup": WEB}},
        "services.job-cleanup",
        "job-cleanup",
        "another name",
    ),
    "service named like a command": (
        {"services": {"web": WEB, "run-web": WEB}},
        "services.run-web",
        "run-web",
        "another name",
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
    "build without source": ({"services": {"web": {"build": "."}}}, "services.web.build", "no source", "source"),
    "unknown variable": (web(command="run $PORT"), "services.web", "PORT", "${VERSION}"),
    "variable with a default": (web(command="${VERSION:-1}"), "services.web", "VERSION:-1", "${VERSION}"),
    "lone dollar sign": (web(command="echo $(date)"), "services.web", "$", "$$"),
    "dependency on no service": (web(depends_on=["db"]), "services.web.depends_on", "'db'", "(web)"),
    "dependency that is a mapping": (web(depends_on=[{"db": 1}]), "services.web.depends_on", "db", "service"),
    "dependency that is a number": (web(depends_on=5), "services.web.depends_on", "5", ""),
    "deploy that is text": (web(deploy="x2"), "services.web.deploy", "", ""),
    "volumes that are a number": (web(volumes=5), "services.web.volumes", "", ""),
    "undeclared volume": (web(volumes=["data:/data"]), "services.web.volumes[0]", "data:/data", "backup rule"),
    "bind mount": (web(volumes=["/etc:/etc"]), "services.web.volumes[0]", "'/etc'", "volume"),
    "anonymous volume": (web(volumes=["/data"]), "services.web.volumes[0]", "/data", "volume"),
    "long form of a bind mount": (
        web(volumes=[{"type": "bind", "source": "/etc", "target": "/e"}]),
        "services.web.volumes[0]",
        "/etc",
        "volume",
    ),
    "Docker socket": (
        {**web(volumes=["/var/run/docker.sock:/s"]), "source": "x"},
        "services.web.volumes[0]",
        "docker.sock",
        "root on the server",
    ),
    "no replica": (web(deploy={"replicas": 0}), "services.web.deploy.replicas", "0", "from 1 to"),
    "text for replicas": (web(deploy={"replicas": "many"}), "services.web.deploy.replicas", "many", "a number"),
    "too many replicas": (web(scale=51), "services.web.deploy.replicas", "51", "from 1 to 50"),
    "replica named like a service": (
        {"services": {"web": {**WEB, "scale": 3}, "web-3": WEB}},
        "services.web.deploy.replicas",
        "3",
        "no service web-3",
    ),
    "exclusive with replicas": ({**web(scale=2), "exclusive": ["web"]}, "exclusive", "web with 2 replicas", "one"),
    "volumes of no service": (web(volumes_from=["db"]), "services.web.volumes_from", "db", "(web)"),
    "link to no service": (web(links=["db:database"]), "services.web.links", "db", "(web)"),
    "links that are a mapping": (web(links={"db": 1}), "services.web.links", "dict", "list"),
    "network of no service": (web(network_mode="service:db"), "services.web.network_mode", "db", "(web)"),
    "network of its own": (web(network_mode="service:web"), "services.web.network_mode", "service:web", "a service"),
    "network and networks": (
        web(network_mode="none", networks=["a"]),
        "services.web.networks",
        "network_mode",
        "one of the two",
    ),
    "network of many": (
        {"services": {"web": {**WEB, "scale": 2}, "beside": {**WEB, "network_mode": "service:web"}}},
        "services.beside.network_mode",
        "service:web",
        "one container; web has 2",
    ),
    "network of one without": (
        {
            "services": {
                "web": WEB,
                "one": {**WEB, "network_mode": "service:web"},
                "two": {**WEB, "network_mode": "service:one"},
            }
        },
        "services.two.network_mode",
        "service:one",
        "network of its own",
    ),
    "route to a service on another's network": (
        {
            "services": {"db": WEB, "web": {**WEB, "network_mode": "service:db"}},
            **routed(),
        },
        "routes[0].service",
        "web",
        "db, whose network it is on",
    ),
    "route to a service without a network": (
        {"services": {"web": {**WEB, "network_mode": "none"}}, **routed()},
        "routes[0].service",
        "web",
        "network of its own",
    ),
    "release command in another's namespace": (
        {
            "services": {"db": WEB, "web": {**WEB, "pid": "service:db"}},
            "release_command": {"service": "web", "command": ["a"]},
        },
        "release_command.service",
        "web",
        "without pid",
    ),
    "label of Traefik's": (web(labels=["traefik.enable=true"]), "services.web.labels", "traefik.enable", "routes"),
    "label of Docker's": (web(labels={"com.docker.x": 1}), "services.web.labels", "com.docker.x", "Docker"),
    "label of berth's": (web(labels={"berth.app": 1}), "services.web.labels", "berth.app", "berth"),
    "network that nobody declares": (web(networks=["x"]), "services.web.networks", "'x'", "network of the compose"),
    "fixed address": (
        web(networks={"default": {"ipv4_address": "10.0.0.9"}}),
        "services.web.networks.default",
        "ipv4_address",
        "no fixed address",
    ),
    "environment file without source": (web(env_file=".env"), "services.web.env_file", "no source", "source"),
    "mount without source": (web(volumes=["./a:/a:ro"]), "services.web.volumes[0]", "a", "source"),
    "extends no service": (web(extends="base"), "services.web.extends", "base", "a service of"),
    "extends that is a list": (web(extends=["a"]), "services.web.extends", "list", "a service"),
    "extends itself": (web(extends={"service": "web"}), "services.web.extends", "web", "does not extend"),
    "secret that nobody gives": (web(secrets=["key"]), "services.web.secrets[0]", "key", "secret"),
    "config that nobody gives": (web(configs=["key"]), "services.web.configs[0]", "key", "config"),
    "secrets that are a mapping": (web(secrets={"key": 1}), "services.web.secrets", "dict", "a list"),
    "owner of a secret": (
        {**web(secrets=[{"source": "k", "uid": "www"}]), "secrets": {"k": "v"}},
        "services.web.secrets[0].uid",
        "www",
        "a number",
    ),
    "mode of a secret": (
        {**web(secrets=[{"source": "k", "mode": "rw"}]), "secrets": {"k": "v"}},
        "services.web.secrets[0].mode",
        "rw",
        "octal",
    ),
    "name of a secret": ({"secrets": {"My/Key": "x"}}, "secrets", "My/Key", "letters"),
    "secret without a value": ({"secrets": {"key": None}}, "secrets.key", "nothing", "text"),
    "secret that is no text": ({"secrets": {"key": "a\ud800"}}, "secrets.key", "surrogate", "UTF-8"),
    "compose file without source": ({"compose": "compose.yml"}, "compose", "compose.yml", "source"),
    "profile that nobody has": ({"profiles": ["debug"]}, "profiles", "debug", "of which there is none"),
    "no service at all": ({"services": {}}, "services", "none", "at least one"),
    "NUL in a variable": ({"env": {"A": "a\0b"}}, "env.A", "NUL", "a file"),
    "lone surrogate in a variable": (web(environment={"A": "\ud800"}), "services.web.environment.A", "surrogate", ""),
    "name of a variable": ({"env": {"A=B": "x"}}, "env:", "A=B", "without '='"),
    "variable beyond Linux' limit": ({"env": {"A": "é" * 65536}}, "env.A", "131075 bytes", "131072"),
} | {
    f"refused {key}": (web(**{key: value}), f"services.web.{key}", str(value), "no ")
    for key, value in {
        "ports": ["80:80"],
        "container_name": "x",
        "external_links": ["x"],
        "privileged": True,
        "use_api_socket": True,
        "label_file": "x",
        "network_mode": "host",
        "pid": "host",
        "ipc": "host",
        "uts": "host",
        "userns_mode": "host",
        "cgroup": "host",
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


def test_jobs_of_two_apps_never_share_a_unit() -> None:
    apps = {
        "shop": {"services": {"web": WEB}, "jobs": {"db-clean": job()["jobs"]["cleanup"]}},
        "shop-db": {"services": {"web": WEB}, "jobs": {"clean": job()["jobs"]["cleanup"]}},
    }
    (message,) = problems_of(apps, [])
    assert "jobs.clean: found 'berth-shop-db-clean'" in message


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
