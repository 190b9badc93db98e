# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._redis_instance import (
    container_memory,
    parse_memory,
    redis_stack,
)


def definition(stack: dict[str, t.Any]) -> dict[str, t.Any]:
    (only,) = stack["project"]["services"].values()
    return t.cast("dict[str, t.Any]", only)


def file(stack: dict[str, t.Any], path: str) -> dict[str, t.Any]:
    return next(f for f in stack["files"] if f["path"] == path)


CACHE = {
    "user": "shop",
    "password": "hunter2",
    "network": "redis-shop-queue",
    "maxmemory": "256mb",
    "policy": "noeviction",
    "persistence": "aof",
}


def redis(**changes: t.Any) -> dict[str, t.Any]:
    return redis_stack("shop-queue", {**CACHE, **changes}, "redis:7", "/srv/berth")


def test_redis_stack() -> None:
    stack = redis()
    assert (stack["name"], stack["directory"]) == ("redis-shop-queue", "/srv/berth/redis/shop-queue")
    service = definition(stack)
    assert (service["image"], service["networks"]) == ("redis:7", ["redis-shop-queue"])
    assert "ports" not in service
    assert stack["project"]["volumes"] == {"data": {"name": "redis-shop-queue_data"}}


@pytest.mark.parametrize(("persistence", "expected"), [("aof", "appendonly yes"), ("none", "appendonly no")])
def test_redis_configuration(persistence: str, expected: str) -> None:
    lines = file(redis(persistence=persistence), "configuration/redis.conf")["content"].splitlines()
    assert {expected, "maxmemory 256mb", "maxmemory-policy noeviction", 'save ""'} <= set(lines)


def test_redis_password_is_hashed_and_out_of_sight() -> None:
    stack = redis()
    assert "hunter2" not in str(stack)
    (acl,) = json.loads(stack["sensitive"])["files"]
    hashed = hashlib.sha256(b"hunter2").hexdigest()
    assert f"user shop on #{hashed} " in acl["content"]
    assert (acl["mode"], acl["owner"], acl["readers"]) == ("0400", "999", {"redis-shop-queue": "restart"})
    assert hashed not in str({**stack, "sensitive": ""})


def test_redis_users_are_the_apps_and_one_that_may_ping() -> None:
    (acl,) = json.loads(redis()["sensitive"])["files"]
    default, app = acl["content"].splitlines()
    assert default == "user default on nopass resetkeys resetchannels -@all +ping"
    rules = app.split()[6:]
    assert rules[:3] == ["+@all", "-@admin", "-@dangerous"]
    assert {"+info", "+keys", "+flushdb", "+client|list"} <= set(rules)
    assert not {"+config", "+acl", "+debug", "+module", "+@dangerous", "+@admin"} & set(rules)


def test_redis_is_judged_before_and_watched_after() -> None:
    stack = redis()
    service = "redis-shop-queue"
    assert [c["service"] for c in stack["checks"] + stack["probes"]] == [service, service]
    paths = {f"/etc/redis/berth/{f['path'].partition('/')[2]}" for f in stack["files"]}
    commands = [definition(stack)["command"], *(c["command"] for c in stack["checks"] + stack["probes"])]
    assert {command[1] for command in commands} < paths


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"timeout": 300}, ["timeout 300"]),
        ({"lazyfree-lazy-eviction": True, "activedefrag": False}, ["lazyfree-lazy-eviction yes", "activedefrag no"]),
        ({"save": ["3600 1", "300 100"]}, ["save 3600 1", "save 300 100"]),
    ],
)
def test_redis_parameters_are_verbatim(parameters: dict[str, t.Any], expected: list[str]) -> None:
    lines = file(redis(parameters=parameters), "configuration/redis.conf")["content"].splitlines()
    assert set(expected) <= set(lines)
    assert len([line for line in lines if line.startswith("save ")]) == max(1, len(parameters.get("save", [])))


def test_redis_of_a_user_needs_a_password_alone() -> None:
    stack = redis_stack("shared", {"password": "hunter2"}, "redis:7", "/srv/berth")
    assert definition(stack)["networks"] == ["redis-shared"]
    (acl,) = json.loads(stack["sensitive"])["files"]
    assert "user shared on " in acl["content"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("1024", 1024), ("1k", 1000), ("1kb", 1024), ("2MB", 2 << 20), ("1gb", 1 << 30), (5, 5)],
        *[("", None), ("1.5gb", None), ("-1", None), ("many", None), (None, None)],
    ],
)
def test_memory_in_redis_words(text: t.Any, expected: int | None) -> None:
    assert parse_memory(text) == expected


@pytest.mark.parametrize(("persistence", "expected"), [("aof", 264), ("none", 214)])
def test_container_has_room_for_a_rewrite(persistence: str, expected: int) -> None:
    assert container_memory(100 << 20, persistence) == expected << 20
    service = definition(redis(maxmemory="100mb", persistence=persistence))
    assert service["mem_limit"] == service["memswap_limit"] == expected << 20
