# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own validation of one option, in berth's words: the place, what was found, what was expected."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

_UNKNOWN = re.compile(r"(?P<place>\S+)\. Supported parameters include: (?P<keys>.+)\.\Z", re.DOTALL)
_MISSING = re.compile(r"missing required arguments: (?P<keys>.+?)(?: found in (?P<place>\S+))?\Z", re.DOTALL)
_TYPE = re.compile(r"argument '(?P<name>[^']+)' is of type (?P<found>\S+)(?: found in '(?P<place>.+)')? and we were")
_ELEMENT = re.compile(r"Elements value for option '(?P<name>[^']+)' is of type (?P<found>\S+)")
_WANTED = re.compile(r"unable to convert to (?P<wanted>\w+)")
_CHOICE = re.compile(r"value of (?P<name>\S+) must be one of: (?P<choices>.+), got: (?P<found>.*?)(?: found in .*)?\Z")
_WORDS = {
    "int": "a whole number",
    "bool": "true or false",
    "dict": "a mapping",
    "list": "a list",
    "str": "text",
    "path": "a path",
    "float": "a number",
}


def validated(
    name: str, option: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any], place: str
) -> tuple[t.Any, list[str]]:
    """Return the value of one option of ``given``, converted and with its default, and what is wrong with it.

    ``option``: as in an argument_spec. ``place``: how messages call it.
    """
    result = ArgumentSpecValidator({name: dict(option)}).validate({name: given[name]} if name in given else {})
    if result.error_messages:
        # A number or a switch is no secret; text may be one.
        shown = repr(given[name]) if option.get("type") in ("int", "bool", "float") else type(given[name]).__name__
        return None, [_readable(name, place, shown, message) for message in result.error_messages]
    return result.validated_parameters.get(name), []


def _readable(name: str, place: str, shown: str, message: str) -> str:
    if match := _CHOICE.match(message):
        return f"{_within(name, place, match['name'])}: found {match['found']!r}, expected one of {match['choices']}"
    wanted = _WANTED.search(message)
    expected = _WORDS.get(wanted["wanted"], wanted["wanted"]) if wanted else ""
    if (match := _TYPE.match(message)) and expected:
        found = shown if match["name"] == name else match["found"]
        return f"{_within(name, place, match['name'])}: found {found}, expected {expected}"
    if (match := _ELEMENT.match(message)) and expected:
        return f"{place}: found {match['found'].strip('<>')} in the list, expected {expected}"
    if match := _UNKNOWN.match(message):
        inner = match["place"].removeprefix(name).lstrip(".")
        return f"{place}.{inner}: found an unknown key, expected one of {match['keys']}"
    if match := _MISSING.match(message):
        return f"{place}: found no {match['keys']}, expected these keys"
    return f"{place}: {message}"


def _within(name: str, place: str, inner: str) -> str:
    return place if inner == name else f"{place}.{inner}"
