# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All apps of an inventory: read once with what their files name beside them, then checked and resolved."""

from __future__ import annotations

import functools
import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _apps, _builds, _compose_source
from ansible_collections.berth.server.plugins.module_utils._source import context_digest


class Inventory:
    """App files as templated, in plain types: name -> file. ``directory``: where they are, which paths start at."""

    def __init__(self, apps: t.Mapping[str, t.Any], directory: pathlib.Path) -> None:
        self._directory = directory
        self._readings = _compose_source.read_all(apps, directory)
        self._files = _compose_source.expanded(apps, self._readings)
        self._digest_of = functools.cache(context_digest)  # services share contexts

    def problems(self, postgres_instances: t.Collection[str]) -> list[str]:
        """Return every mistake in the apps, a message each. ``postgres_instances``: names that exist."""
        read = [message for name in sorted(self._readings) for message in self._readings[name].messages]
        found = _apps.problems_of(self._files, postgres_instances, self._readings)
        return read + found + _builds.problems_of(self._files, self._directory, self._digest_of)

    def resolve(self, secrets: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Return what each role needs to know about apps without mistakes; see the module preflight.

        ``secrets``: secret name -> value, with all of ``secret_names``.
        """
        builds = _builds.resolve(self._files, self._directory, self._digest_of)
        resolved = _apps.resolve(self._files, secrets, builds, self._readings)
        for database in resolved["postgres_databases"]:
            if database["import"] and database["import_from"] == "controller":
                database["import"] = str((self._directory / database["import"]).resolve())
        return resolved
