# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._redis_checks import problems_of


def instance(**changes: t.Any) -> dict[str, t.Any]:
    return {"redis_instances": {"shared": {"password": "hunter2", **changes}}}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"redis_version": "7-bookworm", "redis_instances": {}},
        instance(),
        instance(user="app.user", network="redis-shared", maxmemory="1gb", policy="allkeys-lfu", persistence="none"),
        instance(parameters={"timeout": 300, "save": ["3600 1", "300 10"], "lazyfree-lazy-eviction": True}),
    ],
)
def test_nothing_is_wrong(variables: dict[str, t.Any]) -> None:
    assert problems_of(variables) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"redis_version": "redis:7"}, "redis_version: found 'redis:7', expected a tag"),
        (
            {"redis_instances": {"Shared": {"password": "x"}}},
            "redis_instances.Shared: found 'Shared', expected 2 to 31",
        ),
        ({"redis_instances": {"shared": "x"}}, "redis_instances.shared: found 'x', expected a mapping"),
        ({"redis_instances": {"shared": {}}}, "redis_instances.shared.password: found 'nothing'"),
        (instance(password=5), "redis_instances.shared.password: found 'int'"),
        (instance(maxmem="1gb"), "redis_instances.shared: found 'maxmem', expected keys among user"),
        (instance(user="default"), "redis_instances.shared.user: found 'default'"),
        (instance(user="a +@all"), "redis_instances.shared.user: found 'a \\+@all'"),
        (instance(user="_operator"), "redis_instances.shared.user: found '_operator'"),
        (instance(network="a b"), "redis_instances.shared.network: found 'a b'"),
        (
            instance(maxmemory="1.5gb"),
            "redis_instances.shared.maxmemory: found '1.5gb', expected a size of at least 1mb",
        ),
        (instance(maxmemory=0), "redis_instances.shared.maxmemory: found 0"),
        (instance(maxmemory="512kb"), "redis_instances.shared.maxmemory: found '512kb'"),
        (instance(policy="lru"), "redis_instances.shared.policy: found 'lru', expected one of noeviction"),
        (instance(persistence="rdb"), "redis_instances.shared.persistence: found 'rdb', expected one of aof, none"),
        (instance(parameters="x"), "redis_instances.shared.parameters: found 'x'"),
        (
            instance(parameters={"maxmemory": "1gb"}),
            "parameters.maxmemory: found 'maxmemory', expected none that is berth",
        ),
        (instance(parameters={"a b": 1}), "parameters.a b: found 'a b', expected the name"),
        (instance(parameters={"timeout": None}), "parameters.timeout: found 'nothing'"),
        (instance(parameters={"timeout": {}}), "parameters.timeout: found 'dict'"),
        (instance(parameters={"timeout": "1\nuser x on"}), "parameters.timeout: found 'several lines'"),
    ],
)
def test_mistake_is_named(variables: dict[str, t.Any], expected: str) -> None:
    messages = problems_of(variables)
    assert len(messages) == 1, messages
    assert re.search(expected, messages[0]), messages
    assert "hunter2" not in messages[0]


def test_all_mistakes_are_told_at_once() -> None:
    wrong = instance(policy="lru", maxmemory="x", parameters={"port": 1})
    assert len(problems_of({"redis_version": "", **wrong})) == 4
