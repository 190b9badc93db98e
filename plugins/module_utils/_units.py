# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd's units: how they are, what they lack, and what they said last."""

from __future__ import annotations

import dataclasses
import typing as t

Run = t.Callable[[list[str]], tuple[int, str, str]]

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,ActiveEnterTimestamp"


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit as found. ``since``: when it became active, in seconds of Unix time; 0 where it is not."""

    name: str
    is_there: bool = False
    active: bool = False
    enabled: bool = False
    since: float = 0


def look(run: Run, names: t.Sequence[str]) -> dict[str, Unit]:
    """Return name -> unit, for each of these names, in one call."""
    if not names:
        return {}
    code, out, _err = run(["systemctl", "show", "--timestamp=unix", f"--property={PROPERTIES}", *names])
    units = {name: Unit(name) for name in names}
    for block in out.split("\n\n") if code == 0 else ():
        found = dict(line.partition("=")[::2] for line in block.splitlines())
        if found.get("Id") in units:
            units[found["Id"]] = Unit(
                found["Id"],
                is_there=found.get("LoadState") == "loaded",
                active=found.get("ActiveState") in ("active", "reloading"),
                enabled=found.get("UnitFileState") == "enabled",
                since=float(found.get("ActiveEnterTimestamp", "").lstrip("@") or 0),
            )
    return units


def plan(unit: Unit, wanted: bool) -> list[str]:
    """Return systemctl's verbs that bring a unit to run now and at boot, or neither."""
    if wanted:
        return [*(() if unit.enabled else ("enable",)), *(() if unit.active else ("start",))]
    return [*(("disable",) if unit.enabled else ()), *(("stop",) if unit.active else ())]


def last_error(run: Run, name: str, program: str) -> str:
    """Return the last line that a unit's own program wrote before it ended.

    Neither what systemd says about it nor, of Docker's engine, what containers say through it.
    """
    run(["journalctl", "--sync"])  # what it wrote a moment ago, too
    _code, out, _err = run(["journalctl", "--unit", name, "--lines", "200", "--output", "short-unix", "--no-pager"])
    own = [line.split(": ", 1)[-1].strip() for line in out.splitlines() if f" {program}[" in line]
    failed = [
        line
        for line in own
        if any(word in line.lower() for word in ("fail", "unable", "error", "invalid")) and "level=info" not in line
    ]
    return (failed or own or ["its journal says nothing"])[-1]
