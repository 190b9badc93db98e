# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._registries import describe, merge

PASSWORD = {"registry": "r.example.com", "username": "me", "password": "p:w"}
AUTH = {"auth": "bWU6cDp3"}


@pytest.mark.parametrize(
    ("config", "registries", "managed", "expected"),
    [
        pytest.param({}, [], [], {}, id="nothing"),
        pytest.param({}, [PASSWORD], [], {"auths": {"r.example.com": AUTH}}, id="password"),
        pytest.param(
            {}, [{**PASSWORD, "registry": "docker.io"}], [], {"auths": {"https://index.docker.io/v1/": AUTH}}, id="hub"
        ),
        pytest.param(
            {"auths": {"r": {"auth": "old"}}},
            [{"registry": "r", "helper": "x"}],
            [],
            {"auths": {}, "credHelpers": {"r": "x"}},
            id="helper instead of a password",
        ),
        pytest.param(
            {"auths": {"r.example.com": {"auth": "old"}, "other": {}}, "psFormat": "x"},
            [PASSWORD],
            ["r.example.com"],
            {"auths": {"r.example.com": AUTH, "other": {}}, "psFormat": "x"},
            id="others stay",
        ),
        pytest.param(
            {"auths": {"gone": {}}, "credHelpers": {"gone": "x", "kept": "y"}},
            [],
            ["gone"],
            {"auths": {}, "credHelpers": {"kept": "y"}},
            id="removed",
        ),
        pytest.param(
            {"credsStore": "pass"},
            [{"registry": "r", "helper": "x"}],
            [],
            {"credsStore": "pass", "credHelpers": {"r": "x"}},
            id="a helper wins over the store",
        ),
    ],
)
def test_merge(config: t.Any, registries: t.Any, managed: t.Any, expected: t.Any) -> None:
    assert merge(config, registries, managed) == expected
    assert merge(expected, registries, managed) == expected


def test_store_that_would_pass_over_a_password_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"r\.example\.com: .*credsStore 'pass'"):
        merge({"credsStore": "pass"}, [PASSWORD], [])


def test_difference_names_registries_and_no_credential() -> None:
    before = {"auths": {"a": {"auth": "secret1"}, "b": {"auth": "secret2"}}}
    after = {"auths": {"b": {"auth": "secret3"}, "c": {"auth": "secret4"}}, "credHelpers": {"a": "x"}}
    assert describe(before, after) == [
        "remove credentials of registry a",
        "change credentials of registry b",
        "add credentials of registry c",
        "add credential helper of registry a",
    ]
