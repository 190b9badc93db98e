# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose's format of ``.env`` and ``env_file``, read as Compose reads it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils._compose import literal, unknown_variables
from ansible_collections.berth.server.plugins.module_utils._interpolation import fill

_BLANK = re.compile(r"[ \t]*(#[^\n]*)?(\n|\Z)")
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?P<sign>[=:]|(?=\n|\Z))[ \t]*")
_SINGLE = re.compile(r"'(?P<value>[^']*)'[ \t]*(#[^\n]*)?(?=\n|\Z)")
_DOUBLE = re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"[ \t]*(#[^\n]*)?(?=\n|\Z)', re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}


class Variables(t.NamedTuple):
    """``values``: name -> literal value, None for a name alone. ``problems``: name, or line, -> what is wrong."""

    values: dict[str, str | None]
    problems: dict[str, str]


def parse(text: str, outside: t.Mapping[str, str], raw: bool = False) -> Variables:
    """Read a file. Variables in values come from ``outside``, or from the lines above; ``raw`` fills in none."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found = Variables({}, {})
    position = 0
    while position < len(text):
        if blank := _BLANK.match(text, position):
            if blank.end() == position:
                break
            position = blank.end()
            continue
        name = _NAME.match(text, position)
        if not name:
            found.problems[f"line {_line(text, position)}"] = "a line NAME=value"
            position = _next_line(text, position)
            continue
        if not name["sign"]:
            found.values[name["name"]] = None
            position = _next_line(text, name.end())
            continue
        value, position = _read_value(text, name.end(), raw)
        known = {**{key: old for key, old in found.values.items() if old is not None}, **outside}
        filled = fill(value, known, ())
        if unknown := sorted(unknown_variables(filled, ())):
            names = ", ".join("${" + found_name + "}" if found_name != "$" else "$" for found_name in unknown)
            found.problems[name["name"]] = f"a value for {names}, or $$ for a dollar sign"
            continue
        found.values[name["name"]] = literal(filled, {})
    return found


def _read_value(text: str, position: int, raw: bool) -> tuple[str, int]:
    """Return a value in Compose's words and where the next line starts."""
    if raw:
        return text[position : _next_line(text, position)].rstrip("\n").replace("$", "$$"), _next_line(text, position)
    if match := _SINGLE.match(text, position):
        return match["value"].replace("$", "$$"), _next_line(text, match.end())
    if match := _DOUBLE.match(text, position):
        unescaped = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match["value"], flags=re.DOTALL)
        return unescaped, _next_line(text, match.end())
    end = _next_line(text, position)
    return re.split(r"(?:^|[ \t])#", text[position:end].rstrip("\n"), maxsplit=1)[0].strip(), end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _next_line(text: str, position: int) -> int:
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1
