# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._canonical import canonical_json, content_hash, text_hash
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3))


def test_canonical_json_is_compact_and_sorted() -> None:
    assert canonical_json({"b": [1, True, None], "a": "é"}) == '{"a":"é","b":[1,true,null]}'


@given(value=VALUES)
def test_canonical_json_keeps_the_value(value: t.Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(items=st.dictionaries(st.text(max_size=4), VALUES, max_size=5))
def test_order_of_keys_does_not_change_the_hash(items: dict[str, t.Any]) -> None:
    assert content_hash(dict(reversed(items.items()))) == content_hash(items)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1}, {"a": "1"}, id="type"),
        pytest.param([1, 2], [2, 1], id="order of a list"),
        pytest.param({"a": None}, {}, id="key without value"),
        pytest.param({"a": True}, {"a": 1}, id="true and one"),
    ],
)
def test_different_values_have_different_hashes(one: t.Any, other: t.Any) -> None:
    assert content_hash(one) != content_hash(other)


def test_text_hash_is_sha256_of_the_bytes_on_disk() -> None:
    assert text_hash("é") == hashlib.sha256("é".encode()).hexdigest()
    assert text_hash("\udcff") == hashlib.sha256(b"\xff").hexdigest()  # a byte that is no UTF-8, as read_file reads it
