# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the variables of roles before any of them runs: by their argument_specs, and by what a spec cannot say."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.berth.server.plugins.module_utils import (
    _docker_checks,
    _postgres_checks,
    _redis_checks,
    _traefik_checks,
)
from ansible_collections.berth.server.plugins.module_utils._app_schema import VERSION, VERSION_WORDS
from ansible_collections.berth.server.plugins.module_utils._validation import validated

Options = t.Mapping[str, t.Mapping[str, t.Any]]
RoleCheck = t.Callable[[t.Mapping[str, t.Any]], list[str]]

# What a role says about its own variables, beyond their types: role -> check.
CHECKS: t.Mapping[str, RoleCheck] = {
    "docker": _docker_checks.problems_of,
    "postgres": _postgres_checks.problems_of,
    "redis": _redis_checks.problems_of,
    "traefik": _traefik_checks.problems_of,
}

# So close to a known name, a name is a slip and not a variable of somebody's own; difflib's ratio, from 0 to 1.
_SLIP = 0.88


def variable_problems(role: str, options: Options, variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return every mistake in a role's variables; ``options`` are those of its argument_specs.

    Only variables of the right type reach the role's own check; the others are reported here.
    """
    problems = []
    valid: dict[str, t.Any] = {}
    for name, option in options.items():
        if name not in variables:
            continue
        value, wrong = validated(name, _spec(option), variables, name)
        problems += wrong
        if not wrong:
            # An empty mapping stays one: the validator would fill in what its keys are by default.
            valid[name] = variables[name] and value
    check = CHECKS.get(role)
    return problems + (check(valid) if check else [])


def slips(names: t.Iterable[str], known: t.Collection[str]) -> list[str]:
    """Return a message for each variable that is nearly, but not quite, one of the known ones."""
    problems = []
    for name in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=_SLIP)
        if near:
            problems.append(f"{name}: found a variable that no role has, expected {near[0]}; else give it another name")
    return problems


def deploy_problems(asked: t.Mapping[str, t.Any], apps: t.Mapping[str, t.Any]) -> list[str]:
    """Return what is wrong with the deploys that a play asks for: app -> version, empty where none is named."""
    problems = []
    for name, version in asked.items():
        app = apps.get(name)
        if app is None:
            problems.append(
                f"app: found {name!r}, expected one of {', '.join(sorted(apps)) or 'the apps, of which none is there'}"
            )
            continue
        pinned = app.get("version") if isinstance(app, t.Mapping) else None
        if version and not VERSION.match(str(version)):
            problems.append(f"version: found {version!r}, expected {VERSION_WORDS}")
        elif version and pinned and str(pinned) != str(version):
            problems.append(
                f"version: found {version!r}, expected {str(pinned)!r}, which the file of app {name} says; "
                "change it there, or remove it to choose a version with each deploy"
            )
    return problems


def _spec(option: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return an option without its documentation, and without the default, which only its role can fill in."""
    kept = {key: value for key, value in option.items() if key in ("type", "elements", "choices", "options")}
    if "options" in kept:
        kept["options"] = {
            name: _spec(inner) | {key: inner[key] for key in ("required", "default") if key in inner}
            for name, inner in kept["options"].items()
        }
    return kept
