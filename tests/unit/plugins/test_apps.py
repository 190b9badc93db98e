# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _apps
from ansible_collections.berth.server.plugins.module_utils._apps import problems_of, resolve

GOOD: dict[str, t.Any] = {
    "version": "1.4.2",
    "source": "../shop",
    "services": {
        "web": {"image": "shop:${VERSION}", "environment": {"PORT": 8000, "DEBUG": False, "PRICE": "5$$"}},
        "worker": {
            "build": "worker",
            "environment": ["MODE=slow=er"],
            "depends_on": {"web": {}},
            "volumes": ["up:/up"],
        },
    },
    "env": {"DOMAIN": "example.com", "TRACE": True},
    "release_command": {"service": "web", "command": ["migrate"]},
    "routes": [
        {
            "hosts": ["shop.example.com"],
            "redirect_from": ["www.example.com"],
            "service": "web",
            "port": 8000,
            "rate_limit": {"average": 100, "burst": 50},
        }
    ],
    "postgres": {
        "shop": {"extensions": ["vector"], "env": {"DATABASE_URL": "pg://{user}:{password}@{host}:{port}/{name}"}}
    },
    "redis": {"queue": {"services": ["worker"], "env": {"REDIS_URL": "{url}", "JSON": "{x}"}}},
    "volumes": {"up": {"backup": "files"}},
    "jobs": {
        "cleanup": {"service": "web", "command": ["clean"], "schedule": "03:15", "environment": {"MODE": "x", "N": 1}}
    },
    "exclusive": ["worker"],
    "drain": "1.5m",
    "egress": False,
}
SECRETS = {"shop/postgres/shop": "pgpw", "shop/redis/queue": "rdpw"}
BUILDS = {"shop": {"worker": {"image": "berth-build/shop-worker:1", "context": "/c", "digest": "d"}}}


@pytest.fixture
def resolved() -> dict[str, t.Any]:
    assert problems_of({"shop": GOOD}, ["main"]) == []
    return resolve({"shop": GOOD}, SECRETS, BUILDS)


@pytest.fixture
def app(resolved: dict[str, t.Any]) -> dict[str, t.Any]:
    (app,) = resolved["apps"]
    return t.cast("dict[str, t.Any]", app)


def test_services_keep_compose_words_without_environment(app: dict[str, t.Any]) -> None:
    assert app["services"]["web"] == {"image": "shop:${VERSION}"}
    assert app["services"]["worker"] == {"build": "worker", "depends_on": {"web": {}}, "volumes": ["up:/up"]}


def test_app_is_resolved(app: dict[str, t.Any]) -> None:
    assert {k: app[k] for k in ("name", "version", "edge", "exclusive", "drain", "egress")} == {
        "name": "shop",
        "version": "1.4.2",
        "edge": "edge-shop",
        "exclusive": ["worker"],
        "drain": 90.0,
        "egress": False,
    }
    assert app["builds"] == BUILDS["shop"]
    assert app["release_command"] == {"service": "web", "command": ["migrate"], "timeout": 600.0}
    assert app["volumes"] == {"up": {"backup": "files", "files": []}}
    (route,) = app["routes"]
    assert (route["path"], route["health"], route["middlewares"]) == ("/", "/", {})
    assert route["rate_limit"] == {"average": 100, "burst": 50, "period": "1s"}


def test_services_join_only_the_instances_they_use(app: dict[str, t.Any]) -> None:
    assert app["joins"] == {"web": ["postgres-main-shop"], "worker": ["postgres-main-shop", "redis-shop-queue"]}
    assert app["networks"] == ["edge-shop", "postgres-main-shop", "redis-shop-queue"]


def test_networks_are_internal_but_traefiks_own(resolved: dict[str, t.Any]) -> None:
    assert resolved["networks"] == {
        "public": {"internal": False},
        "edge-shop": {"internal": True},
        "postgres-main-shop": {"internal": True},
        "redis-shop-queue": {"internal": True},
    }
    assert resolved["edge_networks"] == ["edge-shop"]
    assert resolved["hosts"] == ["shop.example.com", "www.example.com"]


def test_environment_is_apart_and_literal(resolved: dict[str, t.Any], app: dict[str, t.Any]) -> None:
    shared = {"DOMAIN": "example.com", "TRACE": "true", "DATABASE_URL": "pg://shop:pgpw@postgres-main:5432/shop"}
    redis = {"REDIS_URL": "redis://shop:rdpw@redis-shop-queue:6379/0", "JSON": "{x}"}
    assert resolved["environments"] == {
        "shop": {
            "web": {"literal": shared, "compose": {"PORT": "8000", "DEBUG": "false", "PRICE": "5$$"}},
            "worker": {"literal": {**shared, **redis}, "compose": {"MODE": "slow=er"}},
            "job-cleanup": {"compose": {"MODE": "x", "N": "1"}},
        }
    }
    assert "pgpw" not in str(app)
    assert "rdpw" not in str(app)


def test_instances_are_told_what_apps_need(resolved: dict[str, t.Any]) -> None:
    assert resolved["postgres_databases"] == [
        {
            "name": "shop",
            "owner": "shop",
            "password": "pgpw",
            "instance": "main",
            "extensions": ["vector"],
            "import": None,
            "import_from": "controller",
            "network": "postgres-main-shop",
        }
    ]
    assert resolved["redis_instances"] == {
        "shop-queue": {
            "user": "shop",
            "password": "rdpw",
            "network": "redis-shop-queue",
            "maxmemory": "128mb",
            "policy": "noeviction",
            "persistence": "aof",
            "parameters": {},
        }
    }


def test_app_without_routes_has_no_edge() -> None:
    result = resolve({"job": {"services": {"run": {"image": "x:1"}}}}, {}, {})
    assert result["apps"][0]["edge"] == ""
    assert result["networks"] == {"public": {"internal": False}}


def test_apps_are_sorted_and_do_not_change_each_other() -> None:
    small = {"services": {"run": {"image": "x:1"}}}
    both = resolve({"zoo": small, "shop": GOOD}, SECRETS, BUILDS)
    assert [app["name"] for app in both["apps"]] == ["shop", "zoo"]
    assert both["apps"][1] == resolve({"zoo": small}, {}, {})["apps"][0]


def test_resolving_leaves_the_files_as_they_are() -> None:
    before = copy.deepcopy(GOOD)
    first = resolve({"shop": GOOD}, SECRETS, BUILDS)
    assert before == GOOD
    assert resolve({"shop": GOOD}, SECRETS, BUILDS) == first


def test_filled_values_are_not_filled_again() -> None:
    app = {"services": {"web": {"image": "x:1"}}, "postgres": {"db": {"env": {"URL": "{password}@{host}"}}}}
    result = resolve({"shop": app}, {"shop/postgres/db": "{host}{name}"}, {})
    assert result["environments"]["shop"]["web"]["literal"]["URL"] == "{host}{name}@postgres-main"


@pytest.mark.parametrize("place", ["env", "environment"])
def test_variable_without_value_is_not_the_word_none(place: str) -> None:
    empty = {"EMPTY": None}
    app = {"services": {"web": {"image": "x:1", **({"environment": empty} if place == "environment" else {})}}}
    apps = {"shop": {**app, **({"env": empty} if place == "env" else {})}}
    if not problems_of(apps, []):
        values = resolve(apps, {}, {})["environments"]["shop"]["web"]
        assert "None" not in {**values["literal"], **values["compose"]}.values()


def test_all_mistakes_of_all_apps_at_once() -> None:
    apps = {
        "one": {"services": {"web": {"image": "x", "ports": ["80:80"]}}, "drian": "1s", "drain": "1"},
        "two": {"services": {"web": {}}, "volumes": {"data": {}}, "routes": [{"hosts": ["a.b"]}]},
    }
    messages = problems_of(apps, [])
    assert len([m for m in messages if m.startswith("app one: ")]) == 3
    assert len([m for m in messages if m.startswith("app two: ")]) == 3


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        pytest.param({"drian": "1s"}, "drian", id="unknown key"),
        pytest.param({"egress": "maybe"}, "egress", id="wrong type"),
        pytest.param({"volumes": {"data": {}}}, "volumes.data", id="inside a volume"),
    ],
)
def test_one_mistake_does_not_hide_another(mistake: dict[str, t.Any], key: str) -> None:
    services = {"web": {"image": "x", "ports": ["80:80"]}}
    routes = [{"hosts": ["a.b"], "service": "wep", "port": 80}]
    text = "\n".join(problems_of({"shop": {"services": services, "routes": routes, **mistake}}, []))
    for part in (key, "services.web.ports", "routes[0].service"):
        assert part in text


@pytest.mark.parametrize(
    "app",
    [
        pytest.param({"services": {"web": {"image": "x"}}, "enviroment": {"KEY": "hunter2"}}, id="misspelt key"),
        pytest.param({"services": {"web": {"image": "x"}}, "env": "KEY: hunter2"}, id="text for env"),
        pytest.param({"services": {"web": {"image": "x"}}, "env": ["hunter2"]}, id="list for env"),
        pytest.param({"services": {"web": "hunter2"}}, id="text for a service"),
        pytest.param({"services": {"web": {"image": "x", "environment": {"KEY": "a$hunter2"}}}}, id="dollar"),
        pytest.param({"services": {"web": {"image": "x"}}, "postgres": {"db": {"pasword": "hunter2"}}}, id="database"),
        pytest.param({"services": {"web": {"image": "x"}}, "redis": {"q": "hunter2"}}, id="text for a cache"),
        pytest.param("hunter2", id="text for an app"),
    ],
)
def test_values_that_may_be_secret_are_never_shown(app: t.Any) -> None:
    messages = problems_of({"shop": app}, ["main"])
    assert messages
    assert "hunter2" not in "".join(messages)


def test_secret_names_of_unreadable_apps_are_left_out() -> None:
    apps = {"one": {"postgres": {"db": None}, "redis": {"q": {}}}, "two": {"postgres": ["x"]}, "three": "text"}
    assert _apps.secret_names(apps) == ["one/postgres/db", "one/redis/q"]


def test_job_is_resolved_without_its_environment(resolved: dict[str, t.Any], app: dict[str, t.Any]) -> None:
    wanted = {"service": "web", "command": ["clean"], "schedule": "03:15", "timeout": 3600.0}
    assert app["jobs"] == {"cleanup": wanted}
    assert resolved["environments"]["shop"]["job-cleanup"] == {"compose": {"MODE": "x", "N": "1"}}
