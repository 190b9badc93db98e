# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml
from ansible_collections.berth.server.plugins.module_utils import _yaml
from ansible_collections.berth.server.plugins.module_utils._yaml import to_yaml
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))


@given(value=VALUES)
def test_value_round_trips(value: t.Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


TRAPS = ["no", "off", "null", "~", "1.0", "0x1F", "0o17", "1e3", "12345e6", ".5e3", "1_000", "=", "<<", "- a", "a: b"]
TRAPS += ["#", "&a", "*a", "!x", "2026-11-20", "12:30:45", " a", "a ", "a\n", "\ta", "\x00", "\x85", "\u2028", "\ufeff"]


@pytest.mark.parametrize("text", TRAPS, ids=ascii)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert yaml.safe_load(to_yaml({"a": text, text: ["b"]})) == {"a": text, text: ["b"]}


# What go-yaml, which Compose and Traefik read with, takes for a number although YAML 1.1 does not.
GO_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")


@pytest.mark.parametrize("text", ["0o17", "1e3", "12345e6", "1.5e3", ".5e3", "1E5"])
def test_text_that_compose_would_read_as_a_number_is_quoted(text: str) -> None:
    assert to_yaml([text]).strip("- \n") != text


@given(text=st.from_regex(GO_FLOAT, fullmatch=True))
def test_any_such_text_is_quoted(text: str) -> None:
    assert to_yaml([text]).strip()[2:] != text


def test_keys_keep_their_order() -> None:
    assert to_yaml({"b": 1, "a": 2}) == "b: 1\na: 2\n"


def test_equal_parts_are_written_out() -> None:
    part = ["x"]
    assert "&" not in to_yaml({"a": part, "b": part})


def test_kinds_of_text_are_text() -> None:
    class Tagged(str):
        __slots__ = ()

    assert to_yaml({"a": Tagged("x"), Tagged("b"): (1, 2)}) == "a: x\nb:\n- 1\n- 2\n"


@given(value=VALUES)
def test_without_pyyaml_it_is_json(value: t.Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_yaml, "HAS_YAML", False)
        assert json.loads(to_yaml(value)) == value
