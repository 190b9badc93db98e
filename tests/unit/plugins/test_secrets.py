# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import string
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _secrets
from ansible_collections.berth.server.plugins.module_utils._secrets import Secrets, SecretsError


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


@pytest.mark.parametrize("length", [1, 20, 64])
def test_values_need_no_quoting(length: int) -> None:
    value = _secrets.generate(length)
    assert len(value) == length
    assert set(value) <= set(string.ascii_letters + string.digits)


def test_values_differ() -> None:
    assert len({_secrets.generate(40) for _ in range(50)}) == 50


def made(**values: str) -> Secrets:
    """Return secrets that were generated."""
    named = {name.replace("_", "/"): value for name, value in values.items()}
    return Secrets(named, {name: _secrets.fingerprint(value) for name, value in named.items()})


def test_asking_is_noted_only_where_somebody_collects() -> None:
    assert not _secrets.ask("a/b", 20)
    with _secrets.asked() as outer:
        with _secrets.asked() as inner:
            assert _secrets.ask("a/b", 20)
        assert _secrets.ask("a/c", 40)
    assert (outer, inner) == ({"a/c": 40}, {"a/b": 20})
    assert not _secrets.ask("a/b", 20)


def test_file_round_trip_and_files_without_marks() -> None:
    full = Secrets({"a/b": "1"}, {"a/b": "x"}, {"a/b": "0"})
    assert full.content == {"a/b": "1", ".generated": {"a/b": "x"}, ".previous": {"a/b": "0"}}
    assert Secrets.of(full.content) == full
    assert Secrets.of({"a/b": 1}) == Secrets({"a/b": "1"})
    assert Secrets({"a/b": "1"}).content == {"a/b": "1"}
    assert {type(text) for text in full.content[".generated"].values()} == {str}


def test_created_are_known_as_generated_until_somebody_sets_them() -> None:
    secrets, created = Secrets({"a/mail": "given"}).created({"a/b": 40, "a/mail": 40, "a/pin": 12})
    assert created == ["a/b", "a/pin"]
    assert [len(secrets.values[name]) for name in created] == [40, 12]
    by_hand = Secrets({**secrets.values, "a/b": "other"}, secrets.generated)
    assert [secrets.origin(n) for n in ("a/b", "a/mail")] == ["generated", "by hand"]
    assert by_hand.origin("a/b") == "by hand"


def test_a_rotation_keeps_the_old_value_until_it_is_settled() -> None:
    before = made(a_b="old", a_c="c")
    rotated = before.rotated("a/b", 40, wanted=True, both_ends=False)
    assert (len(rotated.values["a/b"]), rotated.previous, rotated.values["a/c"]) == (40, {"a/b": "old"}, "c")
    assert rotated.origin("a/b") == "generated"
    assert rotated.restored("a/b") == before
    settled = rotated.settled("a/b")
    assert (settled.previous, settled.origin("a/b")) == ({}, "generated")
    assert settled.values == rotated.values
    assert (before.settled("a/b"), before.restored("a/b")) == (before, before)


def test_rotating_again_after_an_interruption_is_possible() -> None:
    interrupted = made(a_b="old").rotated("a/b", 40, wanted=True, both_ends=False)
    again = interrupted.rotated("a/b", 40, wanted=True, both_ends=False)
    assert again.previous == {"a/b": interrupted.values["a/b"]}


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        pytest.param("web/posgres/web", {}, "not found, expected one that is there (web/postgres/web", id="unknown"),
        pytest.param("web/key", {"wanted": False}, "no app file and no variable reads it", id="unused"),
        pytest.param("web/mail", {}, "set by hand, expected a generated one", id="by-hand"),
        pytest.param("web/mail", {"both_ends": True}, "", id="by-hand-of-a-database"),
        pytest.param("web/mail", {"force": True}, "", id="forced"),
    ],
)
def test_what_cannot_be_rotated(name: str, changes: dict[str, t.Any], message: str) -> None:
    secrets = Secrets({"web/mail": "m", "web/key": "k", "web/postgres/web": "p"})
    arguments = {"wanted": True, "both_ends": False, **changes}
    if not message:
        assert secrets.rotated(name, 40, **arguments).values[name] != "m"
        return
    with pytest.raises(SecretsError) as caught:
        secrets.rotated(name, 40, **arguments)
    assert message in str(caught.value)


def test_nothing_is_suggested_where_there_is_nothing() -> None:
    with pytest.raises(SecretsError, match="none is"):
        Secrets({}).rotated("a/b", 40, wanted=True, both_ends=False)


def test_list_tells_what_is_missing_unused_and_unfinished_and_no_value() -> None:
    secrets = made(a_b="value-one", a_old="value-two").rotated("a/b", 40, wanted=True, both_ends=False)
    lines = _secrets.described(secrets.listed({"a/b": ["app a: env.B", "variable c"], "a/new": ["app a: env.N"]}))
    assert lines == [
        "a/b    present  generated  app a: env.B, variable c; its rotation did not end",
        "a/new  MISSING  -          app a: env.N",
        "a/old  present  generated  UNUSED",
    ]
    assert _secrets.described([]) == []
