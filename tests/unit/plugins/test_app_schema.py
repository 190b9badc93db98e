# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _app_schema
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems, checked, duration
from hypothesis import given
from hypothesis import strategies as st

SPEC: _app_schema.Spec = {
    "name": {"type": "str", "required": True},
    "list": {"type": "list", "elements": "str", "default": []},
    "count": {"type": "int", "default": 1},
}


def test_defaults_are_filled_in_and_types_converted() -> None:
    problems = Problems()
    assert checked("a", "k", {"name": 5, "count": "7"}, SPEC, problems) == {"name": "5", "list": [], "count": 7}
    assert problems.messages == []


def test_given_mapping_is_not_changed() -> None:
    given_value = {"name": "x"}
    checked("a", "k", given_value, SPEC, Problems())
    assert given_value == {"name": "x"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param([], ["app a: k: found 'list', expected a mapping"], id="no mapping"),
        pytest.param(
            {"name": "x", "nam": "y", "cuont": 1},
            [
                "app a: k: found 'nam', expected one of the keys count, list, name",
                "app a: k: found 'cuont', expected one of the keys count, list, name",
            ],
            id="two unknown keys",
        ),
    ],
)
def test_mistakes(value: t.Any, expected: list[str]) -> None:
    problems = Problems()
    checked("a", "k", value, SPEC, problems)
    assert problems.messages == expected


def test_missing_key_is_named() -> None:
    problems = Problems()
    checked("a", "k", {}, SPEC, problems)
    (message,) = problems.messages
    assert message.startswith("app a: k")
    assert "name" in message
    assert "missing" in message


def test_unknown_missing_and_wrong_are_told_together() -> None:
    problems = Problems()
    checked("a", "", {"x": 1, "count": "many"}, SPEC, problems)
    assert len(problems.messages) == 3
    assert all(message.startswith("app a: ") for message in problems.messages)
    for part in ("count", "'x'", "name"):
        assert any(part in message for message in problems.messages)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30.0), ("1.5m", 90.0), ("2h", 7200.0), ("0s", 0.0)]
)
def test_duration(text: str, seconds: float) -> None:
    problems = Problems()
    assert duration("a", "k", text, problems) == seconds
    assert problems.messages == []


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1 s", "1s\n", "1d", "1h30m", ".5s", "٣s٣"])
def test_no_duration(text: str) -> None:
    problems = Problems()
    assert duration("a", "k", text, problems) == 0.0
    assert problems.messages == [f"app a: k: found {text!r}, expected a duration like 500ms, 30s, 5m or 1h"]


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ab", True),
        ("shop-2", True),
        ("a" * 31, True),
        ("a", False),
        ("a" * 32, False),
        ("Shop", False),
        ("2shop", False),
        ("shop-", False),
        ("sh_op", False),
        ("shop\n", False),
    ],
)
def test_names(name: str, good: bool) -> None:
    assert bool(_app_schema.NAME.match(name)) is good


@given(name=st.from_regex(_app_schema.NAME, fullmatch=True))
def test_rendered_names_are_dns_labels(name: str) -> None:
    assert len(f"{name}-20261120t101500z-1a2b3c4d") <= 63


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("1.4.2", True),
        ("v1_2-rc.1", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("-1", False),
        ("1 0", False),
        ("a/b", False),
        ("a:b", False),
        ("1.0\n", False),
        ("é", False),
    ],
)
def test_versions_are_image_tags(version: str, good: bool) -> None:
    assert bool(_app_schema.VERSION.match(version)) is good


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("example.com", True),
        ("a-b.example.com", True),
        ("xn--bcher-kva.example", True),
        ("example", False),
        ("-a.example.com", False),
        ("a.-b.com", False),
        ("a-.example.com", False),
        ("a..com", False),
        ("*.example.com", False),
        ("example.com.", False),
        ("a_b.example.com", False),
        ("a.com:8080", False),
        ("a.com`) || Host(`b.com", False),
    ],
)
def test_hosts(host: str, good: bool) -> None:
    assert bool(_app_schema.HOST.match(host)) is good
