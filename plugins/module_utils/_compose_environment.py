# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that compose files and environment files give a service."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _dotenv
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose import unknown_variables
from ansible_collections.berth.server.plugins.module_utils._compose_documents import Documents
from ansible_collections.berth.server.plugins.module_utils._interpolation import escape
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping, texts, word

NO_VALUE = "a value in .env or in env of the app (the shell of whoever runs this is not asked)"


def settle_environment(
    app: str, service: str, definition: dict[str, t.Any], reading: Reading, documents: Documents
) -> None:
    """Read the environment files of a service; what its compose file says itself wins over them."""
    found: dict[str, t.Any] = {}
    for entry in definition.pop("env_file", None) or []:
        found.update(_read_file(app, reading.at(service, "env_file"), entry, reading, documents))
    found.update(reading.environment.get(service, {}))
    # A name alone is a variable from outside.
    reading.environment[service] = {
        name: escape(reading.variables[name]) if value is None and name in reading.variables else value
        for name, value in found.items()
    }


def _read_file(app: str, key: str, entry: t.Any, reading: Reading, documents: Documents) -> dict[str, str | None]:
    path = entry.get("path") if isinstance(entry, t.Mapping) else None
    if not isinstance(path, str) or reading.source is None:
        expected = "a path" if reading.source else "source in the app file, the directory that it is relative to"
        documents.problems.add(app, key, type(path).__name__ if reading.source else "no source", expected)
        return {}
    required = str(entry.get("required", True)).lower() != "false"
    text = documents.text(pathlib.Path(path), key, required)
    parsed = _dotenv.parse(text, reading.variables, entry.get("format") == "raw")
    for name, expected in parsed.problems.items():
        message = f"app {app}: {documents.label(pathlib.Path(path))}: {name}: expected {expected}"
        if message not in documents.problems.messages:  # services share files
            documents.problems.messages.append(message)
    return {name: None if value is None else escape(value) for name, value in parsed.values.items()}


def check_environment(app: str, file: t.Mapping[str, t.Any], reading: Reading, problems: Problems) -> None:
    """Report variables that have no value anywhere; leave out those that the app gives a value of its own."""
    for service, values in reading.environment.items():
        if not isinstance(reading.services.get(service), dict):
            continue
        given = _given_names(service, file) | mapping(reading.services[service].get("environment")).keys()
        kept: dict[str, str] = {}
        for name, value in values.items():
            if name in given:
                continue
            key = f"{reading.at(service, 'environment')}.{name}"
            if isinstance(value, (dict, list)):
                problems.add(app, key, type(value).__name__, "a text, number or boolean")
            elif value is None:
                problems.add(app, key, "no value", NO_VALUE)
            elif unknown := sorted(unknown_variables(word(value), ["VERSION"])):
                shown = ", ".join(n if n == "$" else "${" + n + "}" for n in unknown)
                problems.add(app, key, shown, NO_VALUE if unknown != ["$"] else "$$ for a dollar sign")
            else:
                kept[name] = word(value)
        reading.environment[service] = kept


def _given_names(service: str, file: t.Mapping[str, t.Any]) -> set[str]:
    """Return the variables that the app itself gives a service."""
    names = set(mapping(file.get("env")))
    for kind in ("postgres", "redis"):
        for use in mapping(file.get(kind)).values():
            users = texts(mapping(use).get("services"))
            if not users or service in users:
                names |= set(mapping(mapping(use).get("env")))
    return names
