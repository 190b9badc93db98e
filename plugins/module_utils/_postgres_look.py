# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server has of its Postgres instances, read once: machine, files, roles, databases, settings."""

from __future__ import annotations

import contextlib
import json
import os
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._postgres import IMPORTED, OWNER_ATTRIBUTES, scram_matches
from ansible_collections.berth.server.plugins.module_utils._postgres_settings import names_in

try:
    import psycopg2  # type: ignore[import-untyped]
    import psycopg2.extras  # type: ignore[import-untyped]
except ImportError:
    psycopg2 = None  # on a bare server in check mode

DATA = "pgdata"
BY_HAND_FILE = "postgresql.auto.conf"
_FROM = re.compile(r"FROM postgres:[^-\s]+-(\S+)")

ROLES = f"""
SELECT rolname, rolpassword, coalesce(rolvaliduntil < 'infinity', false) AS expires,
    {", ".join(name for name in OWNER_ATTRIBUTES if name != "expires")}
FROM pg_catalog.pg_authid WHERE rolname = ANY (%s)
"""
DATABASES = """
SELECT d.datname, pg_catalog.pg_get_userbyid(d.datdba) AS owner, d.datacl::text AS access_priv, s.setconfig AS settings
FROM pg_catalog.pg_database d
LEFT JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
WHERE d.datname = ANY (%s)
"""
SETTINGS = """
SELECT name, setting, unit, vartype, boot_val, source, pending_restart
FROM pg_catalog.pg_settings WHERE context = 'postmaster'
"""
EXTENSIONS = "SELECT extname, extversion FROM pg_catalog.pg_extension"
TABLES = """
SELECT count(*) AS tables FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND n.nspname !~ '^(pg_|information_schema$)'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = c.oid
        AND p.deptype = 'e')
"""


def machine(root: str = "/") -> dict[str, int]:
    """Return the machine's ``memory`` in bytes and its ``cpus``."""
    with open(os.path.join(root, "proc/meminfo"), encoding="ascii") as stream:
        kibibytes = next(line.split()[1] for line in stream if line.startswith("MemTotal:"))
    return {"memory": int(kibibytes) * 1024, "cpus": os.cpu_count() or 1}


def data_directories(docker: Docker, instances: t.Iterable[str]) -> dict[str, str]:
    """Return instance -> where its data lies on the server, of those that have a volume."""
    volumes = {_names.postgres_volume(name): name for name in instances}
    try:
        listed = docker("volume", "ls", "--format", "{{.Name}}").split()
        there = [name for name in volumes if name in listed]
        found = json.loads(docker("volume", "inspect", *there)) if there else []
    except (DockerError, OSError):
        return {}  # without an engine there is no instance
    return {volumes[volume["Name"]]: os.path.join(volume["Mountpoint"], DATA) for volume in found}


def files(directory: str, data: str) -> dict[str, t.Any]:
    """Return what files say of an instance, whether it runs or not."""
    by_hand = os.path.join(data, BY_HAND_FILE)
    built_from = _FROM.match(_read(os.path.join(directory, "build", "Dockerfile")))
    return {
        "data_version": _read(os.path.join(data, "PG_VERSION")).strip() if data else "",
        "by_hand": sorted(names_in(_read(by_hand))) if data else [],
        "by_hand_file": by_hand if data else "",
        "os": built_from[1] if built_from else "",
        "written": _read(os.path.join(directory, "configuration", "postgresql.conf")),
    }


def served(socket: str, passwords: t.Mapping[str, str], databases: t.Sequence[str]) -> dict[str, t.Any]:
    """Return what an instance says of itself; ``problem`` alone when it does not answer.

    ``passwords``: role -> the password that it should have. Stored passwords do not leave this function.
    """
    if psycopg2 is None:
        return {"problem": "psycopg2 is not on the server; the docker role installs it"}
    try:
        with _connected(socket, "postgres") as ask:
            found = {row["datname"]: _database(row) for row in ask(DATABASES, [*databases])}
            roles = {row["rolname"]: _role(row, passwords) for row in ask(ROLES, [*passwords])}
            settings = {row["name"]: row for row in ask(SETTINGS)}
        for name, database in found.items():
            with _connected(socket, name) as ask:
                database["extensions"] = {row["extname"]: row["extversion"] for row in ask(EXTENSIONS)}
                database["tables"] = ask(TABLES)[0]["tables"]
    except psycopg2.Error as error:
        return {"problem": str(error).strip()}
    pending = sorted(name for name, row in settings.items() if row["pending_restart"])
    return {"databases": found, "roles": roles, "settings": settings, "pending": pending}


def _database(row: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    settings = dict(text.partition("=")[::2] for text in row["settings"] or ())
    return {"owner": row["owner"], "access_priv": row["access_priv"], "imported": settings.get(IMPORTED, "")}


def _role(row: t.Mapping[str, t.Any], passwords: t.Mapping[str, str]) -> dict[str, t.Any]:
    matches = scram_matches(passwords[row["rolname"]], row["rolpassword"])
    return {**{name: row[name] for name in OWNER_ATTRIBUTES}, "password_matches": matches}


@contextlib.contextmanager
def _connected(socket: str, database: str) -> t.Iterator[t.Callable[..., list[dict[str, t.Any]]]]:
    connection = psycopg2.connect(host=socket, user="postgres", dbname=database, connect_timeout=10)
    try:
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:

            def ask(query: str, *values: t.Any) -> list[dict[str, t.Any]]:
                cursor.execute(query, values or None)
                return [dict(row) for row in cursor.fetchall()]

            yield ask
    finally:
        connection.close()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""
