# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_instance import InstanceError, postgres_stacks
from hypothesis import given
from hypothesis import strategies as st

GIB = 1024**3
MACHINE = {"memory": 8 * GIB, "cpus": 4}
DEFAULTS = {"os": "bookworm", "root": "/srv/berth", "memory_percent": 50}


def postgres(
    networks: tuple[str, ...] = ("postgres-main-shop",), found: t.Mapping[str, t.Any] | None = None, **settings: t.Any
) -> dict[str, t.Any]:
    look = {"machine": MACHINE, "instances": {"main": found or {}}}
    (stack,) = postgres_stacks({"main": {"version": "17.5", **settings}}, {"main": networks}, DEFAULTS, look)
    return stack


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
    assert service["networks"] == {"default": {"priority": 1}, "postgres-main-shop": {}}
    external = {"postgres-main-shop": {"name": "postgres-main-shop", "external": True}}
    assert stack["project"]["networks"] == {"default": {"internal": True}, **external}
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
    assert definition(stack)["networks"] == {"default": {"priority": 1}}
    assert stack["project"]["networks"] == {"default": {"internal": True}}


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


def parameters(stack: dict[str, t.Any]) -> dict[str, str]:
    lines = file(stack, "configuration/postgresql.conf")["content"].splitlines()
    return {name: value.strip("'") for name, _, value in (line.partition(" = ") for line in lines)}


def test_instances_share_the_machine() -> None:
    look = {"machine": MACHINE, "instances": {}}
    instances = {"main": {"version": "17"}, "old": {"version": "15", "os": "trixie", "memory": "1GB"}}
    main, old = postgres_stacks(instances, {}, DEFAULTS, look)
    assert (parameters(main)["shared_buffers"], parameters(old)["shared_buffers"]) == ("768MB", "256MB")
    assert parameters(main)["max_parallel_workers"] == "4"
    images = [definition(stack)["image"] for stack in (main, old)]
    assert [image.split(":")[1].rpartition("-")[0] for image in images] == ["17-bookworm", "15-trixie"]
    assert (definition(main)["shm_size"], definition(main)["stop_grace_period"]) == ("768m", "80s")


def test_limits_of_an_instance() -> None:
    stack = postgres(memory_limit="2GB", cpus=1.5, shm_size="1GB")
    service = definition(stack)
    assert (service["mem_limit"], service["cpus"], service["shm_size"]) == ("2GB", 1.5, "1GB")
    assert parameters(stack).items() >= {"shared_buffers": "512MB", "max_parallel_workers": "2"}.items()
    assert not {"mem_limit", "cpus"} & definition(postgres()).keys()


def test_more_connections_leave_less_for_each() -> None:
    assert parameters(postgres(parameters={"Max_Connections": 500}))["work_mem"] == "4MB"
    assert parameters(postgres())["work_mem"] == "10MB"


@pytest.mark.parametrize(
    ("settings", "expected"), [({"max_connections": 77}, ["postgres-main"]), ({"work_mem": "1MB"}, [])]
)
def test_restart_only_where_postgres_needs_one(settings: dict[str, t.Any], expected: list[str]) -> None:
    row = {"setting": "100", "vartype": "integer", "unit": None, "boot_val": "100", "source": "configuration file"}
    found = {"settings": {"max_connections": row}, "written": "max_connections = '100'\n", "by_hand": []}
    assert postgres(found=found, parameters=settings).get("restart", []) == expected


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
