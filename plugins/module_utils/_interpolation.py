# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose's interpolation where a compose file is read: values come from given mappings and from nowhere else."""

from __future__ import annotations

import re
import typing as t

_PLAIN = re.compile(r"\$[A-Za-z_]\w*")
_BRACED = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<operator>:?[-?+])(?P<word>.*))?\}\Z", re.DOTALL)


def fill(value: t.Any, variables: t.Mapping[str, str], kept: t.Collection[str] = ("VERSION",)) -> t.Any:
    """Fill variables into every string of a structure; the result is in Compose's words still.

    ``kept`` are berth's to fill in later: they stay, without their defaults. What has no value stays as it was
    written, for whoever reports it.
    """
    if isinstance(value, str):
        return _filled(value, variables, kept)
    if isinstance(value, t.Mapping):
        return {key: fill(item, variables, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables, kept) for item in value]
    return value


def escape(value: str) -> str:
    """Write a literal value so that Compose's interpolation gives it back: it reads ``$$`` as ``$``."""
    return value.replace("$", "$$")


def _filled(text: str, variables: t.Mapping[str, str], kept: t.Collection[str]) -> str:
    parts, position = [], 0
    while (start := text.find("$", position)) >= 0:
        end = _end(text, start)
        parts += [text[position:start], _value(text[start:end], variables, kept)]
        position = end
    return "".join(parts) + text[position:]


def _end(text: str, start: int) -> int:
    """Return where the expression that starts with this dollar sign ends; braces may hold others."""
    following = text[start + 1 : start + 2]
    if following == "$":
        return start + 2
    if following == "{":
        depth = 0
        for position in range(start + 1, len(text)):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                return position + 1
        return start + 1
    plain = _PLAIN.match(text, start)
    return plain.end() if plain else start + 1


def _value(expression: str, variables: t.Mapping[str, str], kept: t.Collection[str]) -> str:
    if _PLAIN.fullmatch(expression):
        expression = "${" + expression[1:] + "}"
    match = _BRACED.match(expression)
    if not match:
        return expression  # $$, or nothing that Compose knows
    name, operator, word = match["name"], match["operator"] or "", match["word"] or ""
    is_there = name in kept or (name in variables and (bool(variables[name]) or ":" not in operator))
    if operator.endswith("+"):
        return _filled(word, variables, kept) if is_there else ""
    if name in kept:
        return "${" + name + "}"
    if is_there:
        return escape(variables[name])
    return _filled(word, variables, kept) if operator.endswith("-") else expression
