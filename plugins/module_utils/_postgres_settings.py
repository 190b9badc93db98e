# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Postgres' settings: what ``postgresql.conf`` says, what runs, and which differences need a restart."""

from __future__ import annotations

import re
import typing as t

# Since Postgres 8.2: name, an equals sign that may be missing, a value that may be quoted. Comments are not read.
_LINE = re.compile(r"\s*(?P<name>[A-Za-z_][\w.$]*)\s*[=\s]\s*(?P<value>'(?:[^'\\]|\\.|'')*'|[^\s#']*)", re.DOTALL)
_NUMBER = re.compile(r"\s*(?P<number>[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*(?P<unit>[a-zA-Z]*)\s*\Z")
_MEMORY = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_TIME = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_BOOLEANS = {"on": "on", "true": "on", "yes": "on", "1": "on", "off": "off", "false": "off", "no": "off", "0": "off"}


def text_of(value: t.Any) -> str:
    """Return a parameter's value in Postgres' words; YAML's booleans are on and off."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def quoted(value: t.Any) -> str:
    """Return a value as ``postgresql.conf`` holds it."""
    if isinstance(value, bool):
        return text_of(value)
    text = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{text}'"


def names_in(text: str) -> dict[str, str]:
    """Return name -> value as written, of every line that sets a parameter; the last one of a name holds."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            found[match["name"].lower()] = match["value"]
    return found


def is_same(wanted: str, row: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a running setting, a row of ``pg_settings``, already is what is wanted."""
    running = str(row["setting"])
    if row["vartype"] == "bool":
        return _BOOLEANS.get(wanted.lower(), wanted) == running
    if row["vartype"] in ("integer", "real"):
        unit = row.get("unit") or ""
        ours, theirs = _measure(wanted, unit), _measure(running, unit)
        # Postgres rounds to its unit where the setting is a whole number.
        limit = 0.5 if row["vartype"] == "integer" else 1e-9
        return ours is not None and theirs is not None and abs(ours - theirs) <= limit
    return (wanted.lower() == running.lower()) if row["vartype"] == "enum" else wanted == running


def needs_restart(
    wanted: t.Mapping[str, t.Any], written: str, by_hand: t.Collection[str], rows: t.Mapping[str, t.Mapping[str, t.Any]]
) -> list[str]:
    """Return the parameters for which the running server must be restarted to get what is wanted.

    ``written``: its ``postgresql.conf`` as it is. ``by_hand``: what ALTER SYSTEM has set. ``rows``: those of
    ``pg_settings`` that only a start can set. Only what differs in a file, or what Postgres itself calls pending,
    counts: it shows some settings in other words than they were given in, which must not restart it again and again.
    """
    lines = names_in(written)
    values = {name.lower(): value for name, value in wanted.items()}
    result = []
    for name, row in rows.items():
        line = quoted(values[name]) if name in values else None
        if lines.get(name) == line and name not in by_hand and not row.get("pending_restart"):
            continue
        value = text_of(values[name]) if name in values else row.get("boot_val")
        # An overridden one was computed from what was given, so that what was given cannot be seen.
        if row.get("source") == "override" or value is None or not is_same(value, row):
            result.append(name)
    return sorted(result)


def _measure(text: str, unit: str) -> float | None:
    """Return a number in the setting's own unit, which may be a multiple like ``8kB``."""
    match = _NUMBER.match(text)
    if not match:
        return None
    try:
        number = float(match["number"])
    except ValueError:
        return None
    if not match["unit"]:
        return number
    for units in (_MEMORY, _TIME):
        base = re.match(r"([0-9]*)([a-zA-Z]+)\Z", unit)
        if base and base[2] in units and match["unit"] in units:
            return number * units[match["unit"]] / (int(base[1] or 1) * units[base[2]])
    return None
