# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_checks import problems_of


def instances(**settings: t.Any) -> dict[str, t.Any]:
    return {"postgres_instances": {"main": {"version": "17", **settings}}}


def databases(*items: dict[str, t.Any]) -> dict[str, t.Any]:
    base = {"name": "shop", "owner": "shop", "password": "hunter2"}
    return instances() | {"postgres_databases": [{**base, **item} for item in items]}


GOOD: list[dict[str, t.Any]] = [
    {},
    instances(),
    instances(version="15.4", os="bookworm", packages=["postgresql-15-pgvector", "libfoo1=2:1.0-3+b1"], cpus=0.5),
    instances(memory="2GB", memory_limit="4GB", shm_size="512MB", parameters={"work_mem": "4MB", "my.text": 1.5}),
    {"postgres_instances": {"main": {"version": 18}}, "postgres_image_os": "trixie", "postgres_memory_percent": 25},
    databases({}, {"name": "other"}, {"name": "more", "owner": "another", "password": "another"}),
    databases({"extensions": ["vector", "uuid-ossp", "vector=0.8.0"]}),
    databases(
        {"import": "dumps/a.sql", "import_from": "controller"},
        {"name": "b", "import": "/a.sql", "import_from": "server"},
    ),
]


@pytest.mark.parametrize("variables", GOOD)
def test_nothing_to_say(variables: dict[str, t.Any]) -> None:
    assert problems_of(variables) == []


MAIN = "postgres_instances.main"
FIRST = "postgres_databases[0]"
BAD: dict[str, tuple[dict[str, t.Any], str]] = {
    "no mapping": ({"postgres_instances": {"main": "17"}}, f"{MAIN}: found 'str', expected a mapping"),
    "no version": (
        {"postgres_instances": {"main": {}}},
        f"{MAIN}.version: found 'nothing', expected a version like \"17\"",
    ),
    "version in words": (instances(version="latest"), f"{MAIN}.version: found 'latest', expected a version like"),
    "old version": (instances(version="12"), f"{MAIN}.version: found '12', expected a major version from 13"),
    "capitals": (
        {"postgres_instances": {"Main": {"version": "17"}}},
        "postgres_instances.Main: found 'Main', expected 2 to",
    ),
    "unknown key": (instances(paramters={}), f"{MAIN}: found 'paramters', expected one of the keys cpus"),
    "alpine": (instances(os="alpine3.20"), f"{MAIN}.os: found 'alpine3.20', expected the name of a Debian release"),
    "image os": ({"postgres_image_os": "13"}, "postgres_image_os: found '13', expected the name"),
    "package": (instances(packages=["a; rm -rf /"]), f"{MAIN}.packages: found 'a; rm -rf /', expected the name"),
    "packages as text": (instances(packages={"a": 1}), f"{MAIN}.packages: found dict, expected a list"),
    "memory": (instances(memory="4g"), f"{MAIN}.memory: found '4g', expected a size like"),
    "memory limit": (instances(memory_limit="0GB"), f"{MAIN}.memory_limit: found '0GB', expected a size"),
    "shm size": (instances(shm_size="much"), f"{MAIN}.shm_size: found 'much', expected a size"),
    "cpus": (instances(cpus=-1), f"{MAIN}.cpus: found -1.0, expected a number of cores above 0"),
    "cpus in words": (instances(cpus="two"), f"{MAIN}.cpus: found 'two', expected a number"),
    "parameters as text": (instances(parameters="work_mem"), f"{MAIN}.parameters: found str, expected a mapping"),
    "parameter's name": (instances(parameters={"a b": 1}), f"{MAIN}.parameters.a b: found 'a b', expected the name"),
    "berth's parameter": (
        instances(parameters={"Port": 5433}),
        f"{MAIN}.parameters.Port: found 5433, expected no port;",
    ),
    "parameter as list": (instances(parameters={"a": [1]}), f"{MAIN}.parameters.a: found [1], expected a text"),
    "percent": ({"postgres_memory_percent": 150}, "postgres_memory_percent: found 150, expected a number from 1 to 90"),
    "database": (databases({"name": "Shop"}), f"{FIRST}.name: found 'Shop', expected the name of a database"),
    "postgres itself": (databases({"name": "postgres"}), f"{FIRST}.name: found 'postgres'"),
    "owner": (databases({"owner": "pg_monitor"}), f"{FIRST}.owner: found 'pg_monitor', expected a role"),
    "no password": (databases({"password": ""}), f"{FIRST}.password: found 'nothing', expected a password"),
    "instance": (databases({"instance": "other"}), f"{FIRST}.instance: found 'other', expected an instance of"),
    "extension": (
        databases({"extensions": ["pg vector"]}),
        f"{FIRST}.extensions: found 'pg vector', expected an extension",
    ),
    "import from": (
        databases({"import_from": "moon"}),
        f"{FIRST}.import_from: found 'moon', expected one of controller",
    ),
    "import": (databases({"import": "dumps/"}), f"{FIRST}.import: found 'dumps/', expected the path of a file"),
    "import on the server": (
        databases({"import": "a.sql", "import_from": "server"}),
        f"{FIRST}.import: found 'a.sql', expected an absolute path",
    ),
    "twice": (
        databases({}, {}),
        "postgres_databases[1].name: found 'shop', expected a name that postgres_databases[0]",
    ),
    "two passwords": (
        databases({}, {"name": "b", "password": "hunter3"}),
        "postgres_databases[1].password: found 'another password', expected the password of postgres_databases[0]",
    ),
}


@pytest.mark.parametrize(("variables", "expected"), BAD.values(), ids=BAD.keys())
def test_mistake(variables: dict[str, t.Any], expected: str) -> None:
    (message,) = problems_of(variables)
    assert message.startswith(expected)
    assert "hunter" not in message


def test_all_at_once() -> None:
    variables = databases({"name": "Shop", "instance": "x"}) | {
        "postgres_instances": {"main": {"version": "x", "memory": "y", "paramters": {}}},
        "postgres_memory_percent": 0,
    }
    assert len(problems_of(variables)) == 6
