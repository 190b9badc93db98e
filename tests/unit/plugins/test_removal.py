# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _removal
from ansible_collections.berth.server.plugins.module_utils._removal import Found, Request

RELEASE = "20261120t101500z-1a2b3c4d"


def container(name: str, project: str = "", app: str = "") -> dict[str, t.Any]:
    labels = {key: value for key, value in (("com.docker.compose.project", project), ("berth.app", app)) if value}
    return {"Name": f"/{name}", "Config": {"Labels": labels or None}}


def network(name: str, project: str = "") -> dict[str, t.Any]:
    return {"Name": name, "Labels": {"com.docker.compose.project": project} if project else None}


FOUND = Found(
    containers=[
        container("traefik", "traefik"),
        container("shop-web", f"shop-{RELEASE}", "shop"),
        container("shop-worker", f"shop-{RELEASE}", "shop"),
        container("shop-tools-web", f"shop-tools-{RELEASE}", "shop-tools"),
        container("by-hand", app="shop"),
        container("unknown"),
        container("redis-shop-queue", "redis-shop-queue"),
        container("redis-shop-tools-queue", "redis-shop-tools-queue"),
    ],
    networks=[
        network("bridge"),
        network("edge-shop"),
        network("edge-shop-tools"),
        network("postgres-main-shop"),
        network("postgres-main-shop-tools"),
        network("redis-shop-queue"),
        network(f"shop-{RELEASE}_default", f"shop-{RELEASE}"),
        network(f"shop-tools-{RELEASE}_default", f"shop-tools-{RELEASE}"),
    ],
    volumes={
        "shop_uploads": {"berth.app": "shop"},
        "shop_by-hand": {},
        "shop_other": {"com.docker.compose.project": "somebody"},
        "shop-tools_uploads": {"berth.app": "shop-tools"},
        "redis-shop-queue_data": {"com.docker.compose.project": "redis-shop-queue"},
    },
    images=[
        f"berth/shop-web:{RELEASE}",
        f"berth/shop-tools-web:{RELEASE}",
        "berth-build/shop-backend:0f",
        "berth-build/shop-tools-backend:0f",
        "berth/postgres-main:17",
        "shop:1.0",
        "<none>:<none>",
    ],
    units={"berth-shop-tidy.timer": "shop", "berth-shop-tools-tidy.timer": "shop-tools", "berth-x.timer": ""},
    routes=["/dynamic/app-shop.yml"],
    directories={"/apps/shop": "", "/redis/shop-queue": "redis-shop-queue"},
    databases={"main": {"shop": "shop", "orders": "somebody", "postgres": "postgres"}, "idle": {}},
    roles={"main": ["shop", "orders", "postgres"], "idle": []},
)
REQUEST = Request("shop", "keep", databases=["shop", "orders"], redis=["queue"], others=["shop-tools"])
BEFORE = [
    "remove route file /dynamic/app-shop.yml",
    "stop and remove unit berth-shop-tidy.timer",
    "stop and remove containers of redis-shop-queue",
    f"stop and remove containers of shop-{RELEASE}",
    "stop and remove container by-hand",
]
ARCHIVED = [
    "archive database shop of instance main",
    "archive volume shop_by-hand",
    "archive volume shop_uploads",
    "archive volume redis-shop-queue_data",
]
DELETED = [
    "drop database shop of instance main",
    "drop role shop of instance main",
    "remove volume shop_by-hand",
    "remove volume shop_uploads",
    "remove volume redis-shop-queue_data",
]
AFTER = [
    "remove network edge-shop",
    "remove network postgres-main-shop",
    "remove network redis-shop-queue",
    f"remove network shop-{RELEASE}_default",
    "remove image berth-build/shop-backend:0f",
    f"remove image berth/shop-web:{RELEASE}",
    "remove directory /apps/shop",
    "remove directory /redis/shop-queue",
]
KEPT = [
    "volume shop_by-hand",
    "volume shop_uploads",
    "volume redis-shop-queue_data",
    "database shop of instance main",
]


@pytest.mark.parametrize(
    ("data", "between", "kept"),
    [("keep", [], KEPT), ("archive", ARCHIVED + DELETED, []), ("delete", DELETED, [])],
)
def test_plan_in_its_order(data: t.Any, between: list[str], kept: list[str]) -> None:
    actions, stays = _removal.plan(dataclasses.replace(REQUEST, data=data), FOUND)
    assert [str(action) for action in actions] == BEFORE + between + AFTER
    assert stays == kept


def test_what_others_use_now_stays() -> None:
    used = {"used_databases": ["main/shop"], "used_names": ["redis-shop-queue", "edge-shop"]}
    actions, _kept = _removal.plan(dataclasses.replace(REQUEST, data="delete", **used), FOUND)  # type: ignore[arg-type]
    done = [str(action) for action in actions]
    assert not [line for line in done if "redis-shop-queue" in line or "edge-shop" in line]
    assert "drop database shop of instance main" not in done
    assert "drop role shop of instance main" not in done


def test_a_role_that_owns_another_database_stays() -> None:
    found = Found(databases={"main": {"shop": "shop", "more": "shop"}}, roles={"main": ["shop"]})
    actions, _kept = _removal.plan(dataclasses.replace(REQUEST, data="delete"), found)
    assert [str(action) for action in actions] == ["drop database shop of instance main"]


def test_nothing_is_found_of_an_app_that_is_not_there() -> None:
    assert _removal.plan(dataclasses.replace(REQUEST, app="nobody", data="delete", databases=[]), FOUND)[0] == [
        _removal.Action("route", "/dynamic/app-shop.yml"),  # the caller looks for the app's own alone
        _removal.Action("directory", "/apps/shop"),
    ]
    assert _removal.plan(REQUEST, Found()) == ([], [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("shop-web", "shop"), ("shop-tools-web", "shop-tools"), ("shop-tools", "shop"), ("shopping-web", None)],
)
def test_owner_is_the_longest_name_that_fits(name: str, expected: str | None) -> None:
    assert _removal.owner(name, ["shop", "shop-tools"]) == expected
