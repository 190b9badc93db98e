# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an app file, in Ansible's argument_spec words, and a check that reports every mistake."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils._validation import validated

Spec = t.Mapping[str, t.Mapping[str, t.Any]]

APP: Spec = {
    "version": {"type": "str"},
    "source": {"type": "str"},
    "compose": {"type": "list", "elements": "str", "default": []},
    "profiles": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "dict", "default": {}},
    "env": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}},
    "release_command": {"type": "dict"},
    "routes": {"type": "list", "elements": "dict", "default": []},
    "postgres": {"type": "dict", "default": {}},
    "redis": {"type": "dict", "default": {}},
    "volumes": {"type": "dict", "default": {}},
    "jobs": {"type": "dict", "default": {}},
    "exclusive": {"type": "list", "elements": "str", "default": []},
    "drain": {"type": "str", "default": "30s"},
    "egress": {"type": "bool", "default": True},
}
RELEASE_COMMAND: Spec = {
    "service": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "required": True},
    "timeout": {"type": "str", "default": "10m"},
}
JOB: Spec = {
    "service": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "required": True},
    "schedule": {"type": "str", "required": True},
    "timeout": {"type": "str", "default": "1h"},
    "environment": {"type": "dict", "default": {}},
}
ROUTE: Spec = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "redirect_from": {"type": "list", "elements": "str", "default": []},
    "path": {"type": "str", "default": "/"},
    "service": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "health": {"type": "str", "default": "/"},
    "rate_limit": {"type": "dict"},
    "middlewares": {"type": "dict", "default": {}},
}
RATE_LIMIT: Spec = {
    "average": {"type": "int", "required": True},
    "burst": {"type": "int", "required": True},
    "period": {"type": "str", "default": "1s"},
}
POSTGRES: Spec = {
    "instance": {"type": "str", "default": "main"},
    "extensions": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str"},
    "env": {"type": "dict", "default": {}},
    "import": {"type": "str"},
    "import_from": {"type": "str", "default": "controller", "choices": ["controller", "server"]},
}
REDIS: Spec = {
    "maxmemory": {"type": "str", "default": "128mb"},
    "policy": {"type": "str", "default": "noeviction"},
    "persistence": {"type": "str", "default": "aof", "choices": ["aof", "none"]},
    "parameters": {"type": "dict", "default": {}},
    "services": {"type": "list", "elements": "str"},
    "env": {"type": "dict", "default": {}},
}
VOLUME: Spec = {
    "backup": {"type": "str", "required": True, "choices": ["files", "sqlite", "duckdb", "stop", "none"]},
    "files": {"type": "list", "elements": "str", "default": []},
}

# Compose's own limits less the release id, which is appended (27 characters); a DNS label has at most 63.
NAME = re.compile(r"[a-z][a-z0-9-]{0,29}[a-z0-9]\Z")
NAME_WORDS = "2 to 31 lower case letters, digits and hyphens, starting with a letter"
DATABASE = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
DATABASE_WORDS = "the name of a database: lower case letters, digits and underscores, none of Postgres' own"
OWN_DATABASES = ("postgres", "template0", "template1")
VOLUME_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")
VOLUME_WORDS = "lower case letters, digits, '_', '.' and '-'"
VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
VERSION_WORDS = "at most 128 letters, digits, '_', '.' and '-'"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{_LABEL}(\.{_LABEL})+\Z")
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Problems:
    """Collects every mistake, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, app: str, key: str, found: t.Any, expected: str) -> None:
        """Report a mistake: in which app, at which key, what was found and what was expected."""
        self.messages.append(f"app {app}: {key}: found {found!r}, expected {expected}")


def checked(app: str, key: str, value: t.Any, spec: Spec, problems: Problems) -> dict[str, t.Any]:
    """Return all keys of ``spec``, converted and with defaults; None for those that are wrong, which are reported.

    So one mistake does not hide another: what comes after skips None.
    """
    result: dict[str, t.Any] = dict.fromkeys(spec)
    if not isinstance(value, t.Mapping):
        problems.add(app, key or "file", type(value).__name__, "a mapping")
        return result
    for name in value:
        if name not in spec:
            # The value is not shown: under a misspelt key it may be a secret.
            problems.add(app, key or "file", name, f"one of the keys {', '.join(sorted(spec))}")
    missing = [name for name, options in spec.items() if options.get("required") and name not in value]
    if missing:
        problems.add(app, key or "file", f"{', '.join(missing)} missing", f"the keys {', '.join(missing)}")
    for name, options in spec.items():
        if name in missing:
            continue
        place = ".".join(part for part in (key, name) if part)
        result[name], wrong = validated(name, options, value, place)
        problems.messages += [f"app {app}: {message}" for message in wrong]
    return result


def duration(app: str, key: str, text: str | None, problems: Problems, least: float = 0.0) -> float:
    """Return seconds, at least ``least``; a duration is a number with ms, s, m or h."""
    if text is None:
        return 0.0
    match = DURATION.match(text)
    if not match:
        problems.add(app, key, text, "a duration like 500ms, 30s, 5m or 1h")
        return 0.0
    seconds = float(match.group(1)) * _UNITS[match.group(2)]
    if seconds < least:
        problems.add(app, key, text, "a duration of more than 0")
    return seconds
