# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import string

import pytest
from ansible_collections.berth.server.plugins.module_utils import _secrets
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(_secrets.NAME, fullmatch=True)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("shop/key", True),
        ("shop/postgres/db", True),
        ("shop/a_b.c-d", True),
        ("0/1", True),
        ("shop", False),
        ("shop/", False),
        ("/shop", False),
        ("Shop/key", False),
        ("shop/../key", False),
        ("shop//key", False),
        ("shop/key ", False),
        ("shop/key\n", False),
    ],
)
def test_names(name: str, good: bool) -> None:
    assert bool(_secrets.NAME.match(name)) is good


@given(names=st.dictionaries(NAMES, st.integers(1, 999), max_size=4), around=st.text(max_size=10))
def test_markers_are_found_in_any_text(names: dict[str, int], around: str) -> None:
    text = around + around.join(_secrets.marker(name, length) for name, length in names.items()) + around
    assert _secrets.wanted(text, []) == names


def test_wanted_are_sorted_and_a_marker_has_the_last_word_on_length() -> None:
    text = _secrets.marker("b/x", 20)
    assert list(_secrets.wanted(text, ["c/x", "b/x", "a/x"]).items()) == [("a/x", 40), ("b/x", 20), ("c/x", 40)]


@pytest.mark.parametrize("length", [1, 20, 64])
def test_values_need_no_quoting(length: int) -> None:
    value = _secrets.generate(length)
    assert len(value) == length
    assert set(value) <= set(string.ascii_letters + string.digits)


def test_values_differ() -> None:
    assert len({_secrets.generate(40) for _ in range(50)}) == 50
