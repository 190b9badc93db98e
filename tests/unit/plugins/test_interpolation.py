# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _compose_yaml, _dotenv
from ansible_collections.berth.server.plugins.module_utils._compose import literal, unknown_variables
from ansible_collections.berth.server.plugins.module_utils._compose_yaml import ComposeYamlError, Override, load
from ansible_collections.berth.server.plugins.module_utils._interpolation import escape, fill
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.text(alphabet=st.sampled_from("$${}A_:-?+ \n'\"#\\=") | st.characters(codec="utf-8"), max_size=30)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A} $A a$A.", "one one aone."),
        ("$AB ${AB}", "${AB} ${AB}"),
        ("${E} ${E:-x} ${E-x} ${N:-x} ${N-x}", " x  x x"),
        ("${A:-x} ${A-x}", "one one"),
        ("${A:+y} ${E:+y} ${E+y} ${N+y}.", "y  y ."),
        ("${A:?no} ${N:?no} ${N?no}", "one ${N:?no} ${N?no}"),
        ("${N:-${A}} ${N:-${M:-deep}} ${N:-${M}}", "one deep ${M}"),
        ('${N:-{"a": 1}}', '{"a": 1}'),
        ("$$A $${A} $$$A", "$$A $${A} $$one"),
        ("${D} ${N:-$$}", "a$$b$$$$c $$"),
        (
            "${VERSION} $VERSION ${VERSION:-9} ${VERSION:?no} ${VERSION:+v}",
            "${VERSION} ${VERSION} ${VERSION} ${VERSION} v",
        ),
        ("$ ${ ${} ${1} $1 a$", "$ ${ ${} ${1} $1 a$"),
        ("", ""),
    ],
)
def test_variables_are_filled_in(text: str, filled: str) -> None:
    assert fill(text, {"A": "one", "E": "", "D": "a$b$$c"}) == filled


def test_structures_are_filled_in_but_not_their_keys() -> None:
    assert fill({"$A": ["$A", 1, None, {"b": "${A}"}]}, {"A": "x"}) == {"$A": ["x", 1, None, {"b": "x"}]}


@given(value=VALUES, before=VALUES)
def test_a_filled_value_arrives_as_it_is(value: str, before: str) -> None:
    text = escape(before) + "${A}"
    assert literal(fill(text, {"A": value}), {"VERSION": "x"}) == before + value
    assert unknown_variables(fill(text, {"A": value}), ()) == set()


def test_no_shell_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_SHELL", "x")
    assert fill("${FROM_SHELL}", {}) == "${FROM_SHELL}"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB=two words  \n", {"A": "1", "B": "two words"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# c\n\n   # d\nA=1 # e\nB=a#b\nC= # f\n", {"A": "1", "B": "a#b", "C": ""}),
        ("export A=1\n  B = 2\nC: 3\n", {"A": "1", "B": "2", "C": "3"}),
        ("A='$x ${y} # \"z\"' # c\n", {"A": '$x ${y} # "z"'}),
        ('A="a\\nb\\t\\"\\\\ \\$x $$" # c', {"A": 'a\nb\t"\\ $x $'}),
        ("A='two\nlines'\nB=\"two\nlines\"", {"A": "two\nlines", "B": "two\nlines"}),
        ("A=1\nB=${A}${OUT}\nOUT=own\n", {"A": "1", "B": "1out", "OUT": "own"}),
        ("A=${N:-x}\n", {"A": "x"}),
        ("A\nB=\n", {"A": None, "B": ""}),
        ('A="open\n', {"A": '"open'}),
        ("A=http://x/?a=b&c=d\n", {"A": "http://x/?a=b&c=d"}),
        ("", {}),
    ],
)
def test_dotenv(text: str, values: dict[str, str | None]) -> None:
    assert _dotenv.parse(text, {"OUT": "out"}) == (values, {})


def test_raw_dotenv_fills_in_nothing() -> None:
    assert _dotenv.parse("A='$x' # \"y\"\n", {}, raw=True).values == {"A": "'$x' # \"y\""}


def test_mistakes_of_a_dotenv_are_named_without_values() -> None:
    found = _dotenv.parse("A=hunter2$NOPE\nB=ok\n=hunter2\nC=a$ b\n", {})
    assert found.values == {"B": "ok"}
    assert list(found.problems) == ["A", "line 3", "C"]
    assert "${NOPE}" in found.problems["A"]
    assert "hunter2" not in str(found.problems)


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="'\r\0"), max_size=20))
def test_single_quotes_hold_any_value(value: str) -> None:
    assert _dotenv.parse(f"A='{value}'\nB=1", {}).values == {"A": value, "B": "1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("2020-01-01", "2020-01-01"),
        ("0440", 0o440),
        ("089", 89),
        ("0o17", 15),
        ("0x1f", 31),
        ("1_000", "1_000"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".", "."),
        ("-", [None]),
        ("true", True),
        ("True", True),
        ("~", None),
        ("=", "="),
        ("{<<: {a: 1}, b: 2}", {"a": 1, "b": 2}),
        ("!reset null", Override()),
        ("!override [a, 1]", Override(["a", 1])),
        ("!override {a: {b: 1}}", Override({"a": {"b": 1}})),
        ("!override 5", Override(5)),
        ("!override no", Override("no")),
    ],
)
def test_scalars_are_read_as_compose_reads_them(text: str, value: t.Any) -> None:
    assert load(text) == value


@pytest.mark.parametrize("text", ["a: [", "!unknown x", "a: b: c", "&a *b"])
def test_no_yaml_says_where(text: str) -> None:
    with pytest.raises(ComposeYamlError, match="line 1"):
        load(text)


def test_without_pyyaml_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compose_yaml, "HAS_YAML", False)
    with pytest.raises(ComposeYamlError, match="pip install"):
        load("a: 1")
