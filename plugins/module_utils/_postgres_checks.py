# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in the postgres role's variables that its argument_specs cannot tell, all of them at once."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils._postgres import complete, extension_of
from ansible_collections.berth.server.plugins.module_utils._postgres_instance import (
    POSTGRES_INSTANCE,
    POSTGRES_VERSION,
    VERSION_WORDS,
)
from ansible_collections.berth.server.plugins.module_utils._postgres_tuning import SIZE, SIZE_WORDS
from ansible_collections.berth.server.plugins.module_utils._validation import validated

Value = t.Any
Problem = tuple[str, Value, str]

MAJORS = range(13, 20)
# Debian's release names; Alpine has other packages, and sorts text by another C library.
_OS = re.compile(r"[a-z]+\Z")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(=[A-Za-z0-9.+:~-]+)?\Z")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?\Z")
_EXTENSION = re.compile(r"[a-z_][a-z0-9_-]*\Z")
_ROLE = schema.DATABASE
# A Docker name is postgres-<instance>-<app>; both parts are kept as short as an app's.
_INSTANCE = schema.NAME
OWN_PARAMETERS = {
    "config_file": "it is berth's",
    "data_directory": "it is berth's",
    "external_pid_file": "it is berth's",
    "hba_file": "it is berth's",
    "ident_file": "it is berth's",
    "include": "write the parameters themselves",
    "include_dir": "write the parameters themselves",
    "include_if_exists": "write the parameters themselves",
    "port": "apps and the health check know 5432",
    "unix_socket_directories": "it is berth's",
}
SOURCES = ("controller", "server")


def problems_of(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return a message for each mistake; ``variables``: the role's public variables with defaults."""
    instances = variables.get("postgres_instances") or {}
    databases = complete(variables.get("postgres_databases") or ())
    found = [
        *_settings(variables),
        *(problem for name, settings in instances.items() for problem in _instance(str(name), settings)),
        *(problem for i, item in enumerate(databases) for problem in _database(i, item, instances)),
        *_conflicts(databases),
    ]
    # One without an expectation is a whole message already.
    return [f"{key}: found {value!r}, expected {expected}" if expected else key for key, value, expected in found]


def content_problems(key: str, item: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    """Yield what is wrong with a database's extensions and dump, of an app's or of the role's own."""
    for text in item["extensions"] or ():
        if not _EXTENSION.match(extension_of(text)["name"]):
            yield f"{key}.extensions", text, "an extension's name, like vector or vector=0.8.0"
    path, source = item["import"], item["import_from"]
    if source is not None and source not in SOURCES:
        yield f"{key}.import_from", source, f"one of {', '.join(SOURCES)}"
    if path is not None and (not path or path.endswith("/")):
        yield f"{key}.import", path, "the path of a file"
    elif source == "server" and path and not path.startswith("/"):
        yield f"{key}.import", path, "an absolute path, as import_from is server"


def _settings(variables: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    image_os = variables.get("postgres_image_os", "")
    if image_os and not _OS.match(str(image_os)):
        yield "postgres_image_os", image_os, "the name of a Debian release, like trixie"
    percent = variables.get("postgres_memory_percent", 50)
    if not 1 <= int(percent) <= 90:
        yield "postgres_memory_percent", percent, "a number from 1 to 90"


def _instance(name: str, settings: Value) -> t.Iterator[Problem]:
    key = f"postgres_instances.{name}"
    if not _INSTANCE.match(name):
        yield key, name, schema.NAME_WORDS
    if not isinstance(settings, t.Mapping):
        yield key, type(settings).__name__, f"a mapping with the keys {', '.join(POSTGRES_INSTANCE)}"
        return
    for option, rule in POSTGRES_INSTANCE.items():
        if rule.get("required") and settings.get(option) is None:
            yield f"{key}.{option}", "nothing", VERSION_WORDS
    for option in settings:
        if option not in POSTGRES_INSTANCE:
            yield key, option, f"one of the keys {', '.join(sorted(POSTGRES_INSTANCE))}"
    checked: dict[str, t.Any] = {}
    for option, rule in POSTGRES_INSTANCE.items():
        if settings.get(option) is None:
            continue
        value, wrong = validated(option, rule, settings, f"{key}.{option}")
        yield from ((message, None, "") for message in wrong)
        if not wrong:
            checked[option] = value
    yield from _values(key, checked)


def _values(key: str, checked: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    version = checked.get("version")
    if version is not None and not POSTGRES_VERSION.match(version):
        yield f"{key}.version", version, VERSION_WORDS
    elif version is not None and int(version.partition(".")[0]) not in MAJORS:
        yield f"{key}.version", version, f"a major version from {MAJORS[0]} to {MAJORS[-1]}"
    if "os" in checked and not _OS.match(checked["os"]):
        yield f"{key}.os", checked["os"], "the name of a Debian release, like trixie"
    for package in checked.get("packages", ()):
        if not _PACKAGE.match(package):
            yield f"{key}.packages", package, "the name of a Debian package, like postgresql-17-pgvector"
    for option in ("memory", "memory_limit", "shm_size"):
        if option in checked and not SIZE.match(checked[option]):
            yield f"{key}.{option}", checked[option], SIZE_WORDS
    if "cpus" in checked and checked["cpus"] <= 0:
        yield f"{key}.cpus", checked["cpus"], "a number of cores above 0"
    for name, value in checked.get("parameters", {}).items():
        place = f"{key}.parameters.{name}"
        if not _PARAMETER.match(str(name)):
            yield place, name, "the name of a parameter of postgresql.conf"
        elif str(name).lower() in OWN_PARAMETERS:
            yield place, value, f"no {str(name).lower()}; {OWN_PARAMETERS[str(name).lower()]}"
        elif value is None or isinstance(value, (list, t.Mapping)):
            yield place, value, "a text, number or boolean"


def _database(index: int, item: t.Mapping[str, t.Any], instances: t.Collection[str]) -> t.Iterator[Problem]:
    key = f"postgres_databases[{index}]"
    name, owner = item.get("name"), item.get("owner")
    if name is not None and (not schema.DATABASE.match(name) or name in schema.OWN_DATABASES):
        yield f"{key}.name", name, schema.DATABASE_WORDS
    if owner is not None and (not _ROLE.match(owner) or owner == "postgres" or owner.startswith("pg_")):
        yield f"{key}.owner", owner, "a role: lower case letters, digits and underscores, none of Postgres' own"
    if item.get("password") == "":
        yield f"{key}.password", "nothing", "a password"
    if item["instance"] not in instances:
        listed = ", ".join(sorted(map(str, instances))) or "there is none"
        yield f"{key}.instance", item["instance"], f"an instance of postgres_instances ({listed})"
    yield from content_problems(key, item)


def _conflicts(databases: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Problem]:
    """Yield databases that are there twice, and owners with two passwords; these are not shown."""
    places: dict[tuple[t.Any, t.Any], int] = {}
    passwords: dict[tuple[t.Any, t.Any], tuple[t.Any, int]] = {}
    for i, item in enumerate(databases):
        where = item["instance"]
        first = places.setdefault((where, item.get("name")), i)
        if first != i:
            key = f"postgres_databases[{i}].name"
            yield key, item.get("name"), f"a name that postgres_databases[{first}] in instance {where} does not have"
        password, other = passwords.setdefault((where, item.get("owner")), (item.get("password"), i))
        if password != item.get("password"):
            expected = f"the password of postgres_databases[{other}], which has the same owner"
            yield f"postgres_databases[{i}].password", "another password", expected
