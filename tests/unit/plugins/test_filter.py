# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as playbooks call them: what is passed on, and what only the filters do."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.berth.server.plugins.filter.berth import FilterModule, plain

from tests.unit.plugins.builders import app_problems, resolve_apps

FILTERS = FilterModule().filters()
LOOK = {"machine": {"memory": 2**33, "cpus": 4}, "instances": {}}
POSTGRES = {"os": "bookworm", "root": "/srv/berth", "memory_percent": 50}
# https://pkg.go.dev/github.com/distribution/reference: name and tag.
IMAGE = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*:\w[\w.-]{0,127}\Z")


class Text(str):
    """Text as Ansible tags it."""

    __slots__ = ()


def test_plain_leaves_pythons_own_types() -> None:
    found = plain({Text("a"): (Text("b"), {1: None, "c": True})})
    assert found == {"a": ["b", {"1": None, "c": True}]}
    assert [type(part) for part in (next(iter(found)), found["a"], found["a"][0])] == [str, list, str]


@pytest.fixture
def sources(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("shop", "shop/worker", "shop/My Worker_", "blog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(f"FROM {name}\n", encoding="utf-8")
    (tmp_path / "apps").mkdir()
    return tmp_path


def app(build: t.Any = None, **keys: t.Any) -> dict[str, t.Any]:
    return {"source": "../shop", "services": {"web": {"build": build or "."}}, **keys}


def built(sources: pathlib.Path, definition: dict[str, t.Any]) -> dict[str, t.Any]:
    resolved = resolve_apps({"shop": definition}, {}, f"{sources}/apps")
    return t.cast("dict[str, t.Any]", resolved["apps"][0]["builds"]["web"])


def test_build_is_resolved_against_the_source(sources: pathlib.Path) -> None:
    found = built(sources, app({"context": "worker", "target": "prod", "args": {"A": "b"}}))
    assert found["context"] == f"{sources}/shop/worker"
    assert (found["target"], found["args"]) == ("prod", {"A": "b"})
    assert found["image"].startswith("berth-build/shop-worker:")


@pytest.mark.parametrize("context", [".", "./", "worker", "./worker/", "My Worker_"])
def test_image_of_a_build_is_a_valid_reference(sources: pathlib.Path, context: str) -> None:
    assert IMAGE.match(built(sources, app(context))["image"])


def test_image_of_a_build_follows_content_and_options(sources: pathlib.Path) -> None:
    tags = {built(sources, app(build))["image"] for build in (".", {"context": "."}, {"dockerfile": "Dockerfile"})}
    tags.add(built(sources, app({"target": "x"}))["image"])
    (sources / "shop" / "new").touch()
    tags.add(built(sources, app("."))["image"])
    assert len(tags) == 4


def test_missing_contexts_are_mistakes_that_name_app_and_key(sources: pathlib.Path) -> None:
    apps = {"shop": app("nowhere"), "blog": app("elsewhere")}
    messages = app_problems(apps, f"{sources}/apps", ["main"])
    assert len(messages) == 2
    for message, (name, context) in zip(sorted(messages), (("blog", "elsewhere"), ("shop", "nowhere")), strict=True):
        for part in (f"app {name}", "services.web.build", context):
            assert part in message


def test_context_outside_the_source_is_a_mistake(sources: pathlib.Path) -> None:
    assert app_problems({"shop": app("../blog")}, f"{sources}/apps", []) != []


def test_build_option_that_would_be_dropped_is_a_mistake(sources: pathlib.Path) -> None:
    found = app_problems({"shop": app({"context": ".", "secrets": ["x"]})}, f"{sources}/apps", [])
    assert any("secrets" in message for message in found)


@pytest.mark.parametrize("broken", ["text", {}, {"services": []}, {"services": {"web": "x"}}, {"source": 1}])
def test_unreadable_apps_are_mistakes_and_no_crash(sources: pathlib.Path, broken: t.Any) -> None:
    assert app_problems({"shop": broken}, f"{sources}/apps", []) != []


def test_good_apps_have_no_problems(sources: pathlib.Path) -> None:
    assert app_problems({"shop": app()}, f"{sources}/apps", []) == []


def test_postgres_stacks_join_the_networks_of_their_databases() -> None:
    databases = [{"instance": "main", "network": n} for n in ("b", "a", "b")]
    instances = {"main": {"version": "17"}, "idle": {"version": "17"}}
    main, idle = FILTERS["postgres_stacks"](instances, databases, LOOK, **POSTGRES)
    assert list(main["project"]["networks"]) == ["default", "a", "b"]
    assert list(idle["project"]["networks"]) == ["default"]


def test_mistake_in_an_instance_is_a_filters_error() -> None:
    with pytest.raises(AnsibleFilterError, match=r"postgres_instances\.main"):
        FILTERS["postgres_stacks"]({"main": {}}, [], LOOK, **POSTGRES)


def test_postgres_instances_are_looked_at_with_their_databases() -> None:
    databases = [{"name": "db", "owner": "db", "password": "x"}]
    looked = FILTERS["postgres_instances"]({"main": {"version": "17"}}, databases, "trixie")
    assert looked["instances"]["main"]["databases"] == [{"name": "db", "import": False}]
    assert looked["passwords"] == {"main": {"db": "x"}}


def test_redis_stacks() -> None:
    cache = {
        "user": "shop",
        "password": "x",
        "network": "n",
        "maxmemory": "1mb",
        "policy": "noeviction",
        "persistence": "none",
    }
    (stack,) = FILTERS["redis_stacks"]({"shop-queue": cache}, "redis:7", "/srv/berth")
    assert stack["name"] == "redis-shop-queue"


def test_postgres_plan_is_for_instances_that_lack_something_and_answer() -> None:
    desired = [{"name": "db", "owner": "db", "password": "x", "instance": name} for name in ("main", "down")]
    found = {"main": {"databases": {}, "roles": {}}, "down": {"problem": "no socket"}, "idle": {"databases": {}}}
    plans = FILTERS["postgres_plan"](desired, {"instances": found})
    assert list(plans) == ["main"]
    assert plans["main"]["roles"] == [{"name": "db", "password": "x"}]


def test_external_networks() -> None:
    assert FILTERS["external_networks"](["a"]) == {"a": {"name": "a", "external": True}}
