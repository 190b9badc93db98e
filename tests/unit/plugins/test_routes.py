# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import re
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._routes import follows, route_file

from tests.unit.plugins.builders import resolved_app, route


def http(*routes: dict[str, t.Any]) -> dict[str, t.Any]:
    app = resolved_app(routes=list(routes))
    file = route_file(
        app, {"web": ["10.0.0.2"], "api": ["10.0.0.3", "10.0.0.4"]}, "websecure", {"certResolver": "acme"}
    )
    assert list(file) == ["http"]
    return t.cast("dict[str, t.Any]", file["http"])


def test_plain_route() -> None:
    assert http(route()) == {
        "routers": {
            "shop-0": {
                "rule": "Host(`shop.example.com`)",
                "entryPoints": ["websecure"],
                "service": "shop-0",
                "tls": {"certResolver": "acme"},
            }
        },
        "services": {"shop-0": {"loadBalancer": {"servers": [{"url": "http://10.0.0.2:8000"}]}}},
    }


@pytest.mark.parametrize(
    ("hosts", "path", "rule"),
    [
        (["a.b"], "/", "Host(`a.b`)"),
        (["a.b", "c.d"], "/", "Host(`a.b`) || Host(`c.d`)"),
        (["a.b"], "/api", "(Host(`a.b`)) && (Path(`/api`) || PathPrefix(`/api/`))"),
        (["a.b"], "/api/", "(Host(`a.b`)) && (Path(`/api`) || PathPrefix(`/api/`))"),
        (["a.b", "c.d"], "/x/y", "(Host(`a.b`) || Host(`c.d`)) && (Path(`/x/y`) || PathPrefix(`/x/y/`))"),
    ],
    ids=["host", "hosts", "path", "path with a slash", "hosts and path"],
)
def test_rule(hosts: list[str], path: str, rule: str) -> None:
    assert http(route(hosts=hosts, path=path))["routers"]["shop-0"]["rule"] == rule


def test_routes_lead_to_their_services() -> None:
    servers = http(route(), route(hosts=["api.b"], service="api", port=9000))["services"]
    urls = [server["url"] for server in servers["shop-1"]["loadBalancer"]["servers"]]
    assert urls == ["http://10.0.0.3:9000", "http://10.0.0.4:9000"]


def test_middlewares_are_named_by_route_and_used_in_order() -> None:
    own = {"auth": {"basicAuth": {"users": ["a:b"]}}, "headers": {"headers": {}}}
    found = http(route(middlewares=own, rate_limit={"average": 5, "burst": 2, "period": "1s"}))
    assert found["middlewares"] == {
        "shop-0-own-auth": own["auth"],
        "shop-0-own-headers": own["headers"],
        "shop-0-rate-limit": {"rateLimit": {"average": 5, "burst": 2, "period": "1s"}},
    }
    assert found["routers"]["shop-0"]["middlewares"] == list(found["middlewares"])


@pytest.mark.parametrize("taken", ["rate-limit", "redirect"])
def test_own_middleware_is_never_replaced_by_ours(taken: str) -> None:
    own = {"headers": {"frameDeny": True}}
    found = http(
        route(middlewares={taken: own}, rate_limit={"average": 5, "burst": 2}, redirect_from=["www.example.com"])
    )
    assert own in found["middlewares"].values()
    assert len(found["middlewares"]) == 3


def test_redirect_goes_to_the_first_host_and_keeps_the_path() -> None:
    found = http(route(hosts=["a.b", "c.d"], redirect_from=["e.f", "g.h"], path="/x"))
    redirect = found["middlewares"]["shop-0-redirect"]["redirectRegex"]
    router = found["routers"]["shop-0-redirect"]
    assert (router["rule"], router["service"]) == ("Host(`e.f`) || Host(`g.h`)", "shop-0")
    assert router["middlewares"] == ["shop-0-redirect"]
    assert redirect["permanent"] is True
    template = redirect["replacement"].replace("${1}", r"\1")
    assert re.sub(redirect["regex"], template, "http://e.f/p?q=1") == "https://a.b/p?q=1"


def test_app_without_routes_has_an_empty_file() -> None:
    assert http() == {}


WANTED = {"http": http(route(), route(hosts=["b.c"], redirect_from=["d.e"]))}


def live() -> dict[str, t.Any]:
    """What Traefik says when it follows WANTED."""
    return {
        "routers": {f"{n}@file": {"status": "enabled", **r} for n, r in WANTED["http"]["routers"].items()},
        "services": {f"{n}@file": copy.deepcopy(s) for n, s in WANTED["http"]["services"].items()},
    }


def changed(kind: str, name: str, value: t.Any) -> dict[str, t.Any]:
    data = live()
    if value is None:
        del data[kind][name]
    else:
        data[kind].setdefault(name, {}).update(value)
    return data


SERVER = {"loadBalancer": {"servers": [{"url": "http://10.0.0.9:8000"}]}}
FOLLOWS: dict[str, tuple[dict[str, t.Any], list[str]]] = {
    "it follows": (live(), []),
    "another app is there": (changed("routers", "blog-0@file", {"status": "enabled"}), []),
    "an app with a longer name": (changed("routers", "shop-0-0@file", {"status": "enabled"}), []),
    "another provider": (changed("routers", "shop-7@internal", {"status": "enabled"}), []),
    "router lacking": (changed("routers", "shop-0@file", None), ["router shop-0 is not there"]),
    "router in error": (
        changed("routers", "shop-0@file", {"status": "disabled", "error": ["bad rule", "x"]}),
        ["router shop-0 is disabled: bad rule; x"],
    ),
    "old rule": (changed("routers", "shop-0@file", {"rule": "Host(`x`)"}), ["router shop-0 still has rule Host(`x`)"]),
    "old address": (
        changed("services", "shop-1@file", SERVER),
        ["service shop-1 leads to ['http://10.0.0.9:8000'], expected ['http://10.0.0.2:8000']"],
    ),
    "service lacking": (
        changed("services", "shop-1@file", None),
        ["service shop-1 leads to nothing, expected ['http://10.0.0.2:8000']"],
    ),
    "old router": (changed("routers", "shop-2@file", {"status": "enabled"}), ["router shop-2@file is still there"]),
    "old redirect": (
        changed("routers", "shop-0-redirect@file", {"status": "enabled"}),
        ["router shop-0-redirect@file is still there"],
    ),
}


@pytest.mark.parametrize(("rawdata", "expected"), FOLLOWS.values(), ids=FOLLOWS.keys())
def test_follows(rawdata: dict[str, t.Any], expected: list[str]) -> None:
    assert follows(rawdata, WANTED, "shop") == expected


@pytest.mark.parametrize("empty", [{}, {"routers": None, "services": None}])
def test_traefik_without_anything_follows_nothing(empty: dict[str, t.Any]) -> None:
    assert len(follows(empty, WANTED, "shop")) == 5
    assert follows(empty, {"http": {}}, "shop") == []
