# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import re
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_instance import InstanceError, postgres_stack
from ansible_collections.berth.server.plugins.module_utils._redis_instance import redis_stack
from hypothesis import given
from hypothesis import strategies as st


def postgres(networks: tuple[str, ...] = ("postgres-main-shop",), **settings: t.Any) -> dict[str, t.Any]:
    return postgres_stack("main", {"version": "17.5", **settings}, networks, "bookworm", "/srv/berth")


def definition(stack: dict[str, t.Any]) -> dict[str, t.Any]:
    (only,) = stack["project"]["services"].values()
    return t.cast("dict[str, t.Any]", only)


def file(stack: dict[str, t.Any], path: str) -> dict[str, t.Any]:
    return next(f for f in stack["files"] if f["path"] == path)


def test_postgres_stack() -> None:
    stack = postgres()
    assert (stack["name"], stack["directory"]) == ("postgres-main", "/srv/berth/postgres/main")
    service = definition(stack)
    assert list(stack["project"]["services"]) == ["postgres-main"]
    assert service["networks"] == ["postgres-main-shop"]
    assert stack["project"]["networks"] == {"postgres-main-shop": {"name": "postgres-main-shop", "external": True}}
    assert stack["project"]["volumes"] == {"data": {"name": "postgres-main_data"}}
    assert "ports" not in service
    assert stack["directories"] == [{"path": "socket", "owner": "999", "group": "999", "mode": "0700"}]


def test_postgres_configuration_is_mounted_as_a_directory_and_reread() -> None:
    stack = postgres()
    assert "/srv/berth/postgres/main/configuration:/etc/postgresql/berth:ro" in definition(stack)["volumes"]
    readers = {f["path"]: f.get("readers") for f in stack["files"]}
    told = {"postgres-main": "SIGHUP"}
    assert readers == {
        "build/Dockerfile": None,
        "configuration/postgresql.conf": told,
        "configuration/pg_hba.conf": told,
        "configuration/pg_ident.conf": told,
    }


def test_postgres_without_apps_has_a_network_of_its_own() -> None:
    stack = postgres(networks=())
    assert definition(stack)["networks"] == ["default"]
    assert stack["project"]["networks"] == {}


@pytest.mark.parametrize(
    ("version", "data"),
    [("16", "/var/lib/postgresql/data"), ("17.5", "/var/lib/postgresql/data"), ("18", "/var/lib/postgresql")],
)
def test_postgres_data_lies_where_the_image_wants_it(version: str, data: str) -> None:
    service = definition(postgres(version=version))
    assert f"data:{data}" in service["volumes"]
    assert service["environment"]["PGDATA"] == f"{data}/pgdata"


def test_postgres_image_tag_follows_what_it_is_built_from() -> None:
    base = definition(postgres())["image"]
    assert re.fullmatch(r"berth/postgres-main:17\.5-bookworm-[0-9a-f]{12}", base)
    assert definition(postgres(parameters={"work_mem": "64MB"}))["image"] == base
    assert definition(postgres(packages=["a"]))["image"] != base
    both = [definition(postgres(packages=p))["image"] for p in (["a", "b"], ["b", "a"])]
    assert both[0] == both[1]


def test_postgres_packages_are_installed() -> None:
    content = file(postgres(packages=["postgresql-17-pgvector"]), "build/Dockerfile")["content"]
    assert content.startswith("FROM postgres:17.5-bookworm\nRUN ")
    assert " postgresql-17-pgvector " in content


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({"version": None}, "version", id="no version"),
        pytest.param({"version": "latest"}, "version", id="version that is no number"),
        pytest.param({"paramters": {}}, "paramters", id="unknown key"),
        pytest.param({"parameters": "work_mem"}, "parameters", id="text for parameters"),
    ],
)
def test_mistake_in_an_instance_is_named(settings: dict[str, t.Any], expected: str) -> None:
    with pytest.raises(InstanceError, match=rf"postgres_instances\.main.*{expected}"):
        postgres(**settings)


def test_every_mistake_in_an_instance_is_told() -> None:
    with pytest.raises(InstanceError, match=r"(?s)(?=.*paramters)(?=.*packages)"):
        postgres(paramters={}, packages={"a": 1})


# A line of postgresql.conf as guc-file.l reads it.
LINE = re.compile(r"(?P<name>[A-Za-z_][\w.]*) = '(?P<value>(?:[^'\\\n]|\\.|'')*)'\Z", re.DOTALL)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def read_parameter(stack: dict[str, t.Any], name: str) -> str:
    lines = file(stack, "configuration/postgresql.conf")["content"].split("\n")
    (match,) = [m for m in map(LINE.match, lines) if m and m["name"] == name]
    return re.sub(
        r"\\([0-7]{1,3})|\\(.)|''",
        lambda m: chr(int(m[1], 8)) if m[1] else ESCAPES.get(m[2], m[2]) if m[2] else "'",
        match["value"],
    )


@given(value=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20))
def test_any_parameter_arrives_as_it_is(value: str) -> None:
    assert read_parameter(postgres(parameters={"my.text": value}), "my.text") == value


def test_parameter_of_two_lines_does_not_become_a_second_one() -> None:
    stack = postgres(parameters={"my.text": "a\nfsync = off"})
    assert read_parameter(stack, "my.text") == "a\nfsync = off"


@pytest.mark.parametrize(
    ("value", "line"),
    [(True, "p = on"), (False, "p = off"), (64, "p = '64'"), (0.5, "p = '0.5'"), ("it's", "p = 'it''s'")],
)
def test_parameters_are_written_in_postgres_words(value: t.Any, line: str) -> None:
    assert line in file(postgres(parameters={"p": value}), "configuration/postgresql.conf")["content"].splitlines()


def test_parameters_win_over_defaults_once() -> None:
    content = file(postgres(parameters={"listen_addresses": "10.0.0.2"}), "configuration/postgresql.conf")["content"]
    assert [line for line in content.splitlines() if "listen" in line] == ["listen_addresses = '10.0.0.2'"]


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


def test_redis_gives_nobody_else_more_than_a_ping() -> None:
    (acl,) = json.loads(redis()["sensitive"])["files"]
    default, app = acl["content"].splitlines()
    assert default == "user default on nopass resetkeys resetchannels -@all +ping"
    assert app.endswith("+@all -@admin")
