# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of an app's services before anything is checked: the ground that checks and resolving share."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

TOP = ("networks", "volumes", "configs", "secrets")


@dataclasses.dataclass
class Reading:
    """What was read of one app.

    ``environment``: service -> variables of its compose and environment files in Compose's words, which the app's
    own win over. ``origins``: service -> key -> compose file. ``off``: services whose profiles are off -> profiles.
    ``top``: the files' configs, secrets, volumes, networks. ``variables``: what is filled into what is private.
    """

    services: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    environment: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    origins: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    off: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    top: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=lambda: {name: {} for name in TOP})
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    source: pathlib.Path | None = None
    messages: list[str] = dataclasses.field(default_factory=list)

    def at(self, service: str, key: str = "") -> str:
        """Return how people know a key of a service: with the file that says it, unless the app file does."""
        origin = self.origins.get(service, {}).get(key.partition("[")[0].partition(".")[0], "")
        return f"{origin}: " * bool(origin) + f"services.{service}" + f".{key}" * bool(key)

    def hint(self, service: str, key: str) -> str:
        """Return how the app file leaves out a key that a compose file says."""
        is_of_file = bool(self.origins.get(service, {}).get(key))
        return f"; '{key}: null' under services.{service} of the app file leaves it out" * is_of_file

    def one_of(self, what: str, names: t.Iterable[str], found: t.Any) -> str:
        """Return what was expected instead of a name; of a service whose profile is off, how it is switched on."""
        listed = ", ".join(sorted(str(name) for name in names))
        expected = f"a {what} ({listed})" if listed else f"a {what}, of which there is none"
        profiles = self.off.get(found) if isinstance(found, str) else None
        return expected + (f"; its profile is off, profiles: [{profiles[0]}] switches it on" if profiles else "")


def mapping(value: t.Any) -> dict[str, t.Any]:
    """Return a mapping as a new one, and an empty one for anything else."""
    return dict(value) if isinstance(value, t.Mapping) else {}


def texts(value: t.Any) -> list[str]:
    """Return the texts of a list, or a text as a list of one."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def word(value: t.Any) -> str:
    """Return a value as the text that a container sees; YAML's true is Compose's ``true``, and 1e3 is 1000."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
