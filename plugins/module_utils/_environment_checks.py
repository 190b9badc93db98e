# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables: what a container can be given, and what is left in a service to be filled in."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose import unknown_variables
from ansible_collections.berth.server.plugins.module_utils._reading import Reading

# Linux' MAX_ARG_STRLEN: a variable with its name, the sign between them and the byte that ends it.
LARGEST_VARIABLE = 131072
VARIABLES_WORDS = "no variable but ${VERSION}; write $$ for a dollar sign"
FILE_VARIABLES_WORDS = "a value in .env (env is filled into environment alone), or $$ for a dollar sign"


def check_env(app: str, key: str, env: t.Any, problems: Problems) -> None:
    """Check that every variable has a value that Linux takes; the value itself is not shown."""
    for name, value in env.items() if isinstance(env, t.Mapping) else ():
        place = f"{key}.{name}"
        if value is None or isinstance(value, (list, t.Mapping)):
            # Compose would take a missing one from the shell of whoever runs it.
            expected = "a text, number or boolean; write '' for an empty one"
            problems.add(app, place, "nothing" if value is None else type(value).__name__, expected)
        elif "=" in str(name) or not name or "\0" in str(name):
            problems.add(app, key, name, "the name of a variable, without '='")
        elif found := unfit(str(value)):
            problems.add(app, place, found, "a text that can be a variable's value; a file can hold it: secrets")
        elif (size := len(f"{name}={value}".encode()) + 1) > LARGEST_VARIABLE:
            expected = f"at most {LARGEST_VARIABLE} bytes, which is Linux' limit; a file can hold more: secrets"
            problems.add(app, place, f"{size} bytes with its name", expected)


def unfit(value: str) -> str:
    """Return what makes a text no value of a variable, if anything."""
    if "\0" in value:
        return "a NUL character"
    return "half of a surrogate pair" if any("\ud800" <= character <= "\udfff" for character in value) else ""


def check_variables(
    app: str, service: str, definition: t.Mapping[str, t.Any], reading: Reading, problems: Problems
) -> None:
    """Check that nothing is left to fill in but what berth fills in."""
    for name, value in definition.items():
        # What is built is known by its content: _builds.py says so. Environments of files are checked as they are read.
        if name in ("environment", "build"):
            continue
        expected = FILE_VARIABLES_WORDS if name in reading.origins.get(service, {}) else VARIABLES_WORDS
        for variable in sorted(unknown_variables(value, ["VERSION"])):
            problems.add(app, reading.at(service, name), shown(variable), expected)
    if unknown_variables(definition.get("environment"), ["VERSION"]):
        # Not named: it may be part of a secret that holds a dollar sign.
        problems.add(app, f"services.{service}.environment", "a variable", VARIABLES_WORDS)


def shown(variable: str) -> str:
    """Return a variable as it is written."""
    return variable if variable == "$" else "${" + variable + "}"
