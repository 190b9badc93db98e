# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets by name: what a name looks like, which ones are missing, how new ones are made."""

from __future__ import annotations

import re
import secrets
import string
import typing as t

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)+\Z")
_MARKER = re.compile(r"<berth-secret (?P<name>[a-z0-9_./-]+) (?P<length>\d+)>")
# Letters and digits alone survive URLs, shells, SQL and configuration files unquoted.
_ALPHABET = string.ascii_letters + string.digits
DEFAULT_LENGTH = 40
_MASKED_FROM = 8


def marker(name: str, length: int) -> str:
    """Return the text that stands for a missing secret while missing ones are collected."""
    return f"<berth-secret {name} {length}>"


def wanted(text: str, names: t.Iterable[str]) -> dict[str, int]:
    """Return name -> length of the secrets that markers in ``text`` name, and of ``names``."""
    found = {match["name"]: int(match["length"]) for match in _MARKER.finditer(text)}
    return dict(sorted((dict.fromkeys(names, DEFAULT_LENGTH) | found).items()))


def masked(text: str, values: t.Iterable[str]) -> str:
    """Return a text without these values; short ones stay, since they would blot out words that are no secret."""
    for value in sorted({value for value in values if len(value) >= _MASKED_FROM}, key=len, reverse=True):
        text = text.replace(value, "********")
    return text


def generate(length: int) -> str:
    """Return a new random value of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _index in range(length))
