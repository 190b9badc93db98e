# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a text one of systemd's calendar expressions? As far as that can be told without systemd: systemd.time(7)."""

from __future__ import annotations

import re

WORDS = "a time like 03:15 or a calendar expression of systemd, like 'Mon..Fri 03:15' or '*-*-01 04:00'"
SHORTHANDS = ("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "annually", "yearly")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE = re.compile(r"(?:(?:(?P<year>[^-~]+)-)?(?P<month>[^-~]+)[-~](?P<day>[^-~]+))\Z")
_TIME = re.compile(r"(?P<hour>[^:]+):(?P<minute>[^:]+)(?::(?P<second>[^:]+))?\Z")
_ITEM = re.compile(r"(?:\*|(?P<first>\d+(?:\.\d+)?)(?:\.\.(?P<last>\d+(?:\.\d+)?))?)(?:/(?P<every>\d+(?:\.\d+)?))?\Z")
_ZONE = re.compile(r"UTC|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)+\Z")
LIMITS = {
    "year": (0, 2199),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59.999999),
}


def is_calendar(text: str) -> bool:
    """Tell whether it is ``[weekdays] [date] [time] [zone]``, or a word like ``daily`` in their place.

    A zone must be ``UTC`` or have a slash in it. Whether the zone exists and the date ever comes only systemd can tell.
    """
    words = [word for word in text.split(" ") if word]
    if len(words) > 1 and _ZONE.match(words[-1]):
        words = words[:-1]
    if [word.lower() for word in words] in [[shorthand] for shorthand in SHORTHANDS]:
        return True
    kinds = [_kind(word) for word in words]
    return bool(kinds) and None not in kinds and kinds == sorted(set(kinds), key=("weekdays", "date", "time").index)


def _kind(word: str) -> str | None:
    if match := _TIME.match(word):
        return "time" if _within(match) else None
    if match := _DATE.match(word):
        return "date" if _within(match) else None
    days = [day for part in word.split(",") for day in part.split("..", 1)]
    return "weekdays" if all(_weekday(day) for day in days) else None


def _weekday(word: str) -> bool:
    return word.lower() in WEEKDAYS or word.lower() in [day[:3] for day in WEEKDAYS]


def _within(match: re.Match[str]) -> bool:
    parts = {name: part for name, part in match.groupdict().items() if part is not None}
    return all(_component(part, *LIMITS[name]) for name, part in parts.items())


def _component(text: str, lowest: float, highest: float) -> bool:
    for part in text.split(","):
        match = _ITEM.match(part)
        if not match:
            return False
        first = float(match["first"] or lowest)
        last = float(match["last"] or first)
        if not lowest <= first <= last <= highest or float(match["every"] or 1) <= 0:
            return False
    return True
