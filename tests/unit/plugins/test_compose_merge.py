# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._compose_merge import canonical, merge, settled
from ansible_collections.berth.server.plugins.module_utils._compose_yaml import Override

HERE = pathlib.Path("/src")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"build": "app"}, {"build": {"context": "/src/app"}}),
        ({"build": {"dockerfile": "D"}}, {"build": {"dockerfile": "D", "context": "/src"}}),
        (
            {"build": {"context": "..", "args": ["A=1=2", "B"], "cache_from": ["x"], "x-a": 1}},
            {"build": {"context": "/", "args": {"A": "1=2", "B": None}}},
        ),
        ({"environment": ["A=1=2", "B", "C="]}, {"environment": {"A": "1=2", "B": None, "C": ""}}),
        ({"labels": ["a=b", "c"]}, {"labels": {"a": "b", "c": None}}),
        ({"extra_hosts": ["a:1.2.3.4", "b=::1"]}, {"extra_hosts": {"a": "1.2.3.4", "b": "::1"}}),
        ({"env_file": "a.env"}, {"env_file": [{"path": "/src/a.env"}]}),
        ({"env_file": [{"path": "b", "required": False}]}, {"env_file": [{"path": "/src/b", "required": False}]}),
        ({"depends_on": ["a"]}, {"depends_on": {"a": {"condition": "service_started"}}}),
        ({"networks": ["a"]}, {"networks": {"a": {}}}),
        ({"networks": {"a": None, "b": {"aliases": ["c"]}}}, {"networks": {"a": {}, "b": {"aliases": ["c"]}}}),
        ({"secrets": ["a", {"source": "b"}]}, {"secrets": [{"source": "a"}, {"source": "b"}]}),
        ({"tmpfs": "/tmp"}, {"tmpfs": ["/tmp"]}),
        ({"extends": "base"}, {"extends": {"service": "base"}}),
        ({"scale": 2}, {"deploy": {"replicas": 2}}),
        ({"scale": 2, "deploy": {"mode": "x"}}, {"deploy": {"mode": "x", "replicas": 2}}),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, {"deploy": {}, "restart": "no"}),
        (
            {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 3}}},
            {"deploy": {}, "restart": "on-failure:3"},
        ),
        ({"deploy": {"restart_policy": {}}}, {"deploy": {}, "restart": "unless-stopped"}),
        ({"x-a": 1, "develop": {}, "pull_policy": "always", "tty": True}, {"tty": True}),
        (
            {"volumes": ["./a:/a:ro,z", "../b:/b", "data:/c:ro", "/d", "~/e:/e"]},
            {
                "volumes": [
                    {"type": "bind", "source": "/src/a", "target": "/a", "read_only": True},
                    {"type": "bind", "source": "/b", "target": "/b"},
                    "data:/c:ro",
                    "/d",
                    {"type": "bind", "source": "/src/~/e", "target": "/e"},
                ]
            },
        ),
        ({"volumes": [{"type": "bind", "source": "a"}]}, {"volumes": [{"type": "bind", "source": "/src/a"}]}),
        ({"volumes": 5, "deploy": "x", "build": [1]}, {"volumes": 5, "deploy": "x", "build": [1]}),
        ({"build": Override("app")}, {"build": Override({"context": "/src/app"})}),
        (Override({"scale": 2}), Override({"deploy": {"replicas": 2}})),
        (None, None),
    ],
)
def test_canonical(given: t.Any, expected: t.Any) -> None:
    assert canonical(given, HERE) == expected


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ({"image": "a", "tty": True}, {"image": "b"}, {"image": "b", "tty": True}),
        ({"environment": {"A": 1, "B": 2}}, {"environment": {"B": 3}}, {"environment": {"A": 1, "B": 3}}),
        ({"command": ["a", "b"]}, {"command": ["c"]}, {"command": ["c"]}),
        ({"healthcheck": {"test": ["a"], "retries": 1}}, {"healthcheck": {"test": ["b"]}}, None),
        ({"cap_add": ["a", "b"]}, {"cap_add": ["b", "c"]}, {"cap_add": ["a", "b", "c"]}),
        (
            {"volumes": ["a:/x", "b:/y", {"type": "bind", "source": "/s", "target": "/z"}]},
            {"volumes": ["c:/x:ro", "d:/z"]},
            {"volumes": ["c:/x:ro", "b:/y", "d:/z"]},
        ),
        ({"ports": ["80:80"]}, {"ports": ["80:80", "81:80"]}, {"ports": ["80:80", "81:80"]}),
        ({"ports": ["80:80"]}, {"ports": Override(["81:80"])}, {"ports": ["81:80"]}),
        ({"ports": ["80:80"]}, {"ports": Override()}, {}),
        ({"env": Override({"A": 1})}, {"env": {"B": 2}}, {"env": {"A": 1, "B": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
    ],
)
def test_merge(base: t.Any, over: t.Any, expected: t.Any) -> None:
    expected = {"healthcheck": {"test": ["b"], "retries": 1}} if expected is None else expected
    assert settled(merge(base, over)) == expected


def test_nothing_removes_where_it_is_said_so() -> None:
    base = {"ports": ["80:80"], "environment": {"A": 1, "B": 2}}
    assert merge(base, {"ports": None, "environment": {"A": None}, "tty": None}, null_removes=True) == {
        "environment": {"B": 2}
    }
