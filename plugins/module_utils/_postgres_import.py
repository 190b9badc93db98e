# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a dump: into a database beside the wanted one, which gets its name when all of it is there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import typing as t
import zlib

from ansible_collections.berth.server.plugins.module_utils._postgres import IMPORTED, extension_of
from ansible_collections.berth.server.plugins.module_utils._postgres_dump import DumpError, opened, own_statements
from ansible_collections.berth.server.plugins.module_utils._secrets import masked

try:
    import psycopg2  # type: ignore[import-untyped]
    from psycopg2 import sql
except ImportError:
    psycopg2 = None  # on a bare server in check mode

# What is shown of what psql and pg_restore said: the first mistake, of which later ones are consequences.
SHOWN = 1500
LONGEST_NAME = 63
SUFFIX = "__import"
DROP_SCRATCH = "DROP DATABASE IF EXISTS {scratch} WITH (FORCE)"
CREATE_SCRATCH = ("CREATE DATABASE {scratch} OWNER {owner}", "REVOKE ALL ON DATABASE {scratch} FROM PUBLIC")
TAKE_NAME = (
    # One without tables may have been made before: the look has refused any other.
    "DROP DATABASE IF EXISTS {name}",
    f'ALTER DATABASE {{scratch}} SET "{IMPORTED}" = {{mark}}',
    "ALTER DATABASE {scratch} RENAME TO {name}",
)


class ImportFailedError(Exception):
    """The dump could not be imported; there is no half database."""


def scratch_name(database: str) -> str:
    """Return the name of the database that a dump is imported into."""
    return database[: LONGEST_NAME - len(SUFFIX)] + SUFFIX


def restore_command(container: str) -> list[str]:
    """Return the command that turns pg_dump's custom format into SQL; the instance's own, whatever the server has."""
    return ["docker", "exec", "--interactive", container, "pg_restore", "--no-owner", "--no-privileges", "--file=-"]


def psql_command(container: str, owner: str, database: str) -> list[str]:
    """Return the command that runs SQL as the owner, who needs his password as everybody does.

    As nobody, since a dump can hold psql's ``\\!``. Terse, since details quote rows.
    """
    client = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse"]
    where = ["--host=127.0.0.1", f"--username={owner}", f"--dbname={database}", "--output=/dev/null"]
    return ["docker", "exec", "--interactive", "--user", "nobody", "--env", "PGPASSWORD", container, *client, *where]


def run(path: str, container: str, item: t.Mapping[str, t.Any], database: str) -> None:
    """Feed a dump to psql, in pieces; raise ImportFailedError with what was said when any of it fails."""
    stream, custom = opened(path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(stream)
        errors: list[bytes] = []
        restore = None
        lines: t.Iterable[bytes] = stream
        if custom:
            restore = stack.enter_context(_process(restore_command(container), subprocess.PIPE))
            _in_thread(_feed, chunks_of(stream, errors), restore.stdin)
            _in_thread(_collect, restore.stderr, errors)
            lines = t.cast("t.Iterable[bytes]", restore.stdout)
        environment = {**os.environ, "PGPASSWORD": item["password"]}
        psql = stack.enter_context(
            _process(psql_command(container, item["owner"], database), subprocess.DEVNULL, environment)
        )
        told = _in_thread(_collect, psql.stderr, errors)
        _feed(own_statements(lines), psql.stdin)
        told.join()
        codes = [psql.wait()]
        if restore:
            if codes[0]:
                restore.kill()  # nobody reads on
            codes.append(restore.wait())
    if any(codes):
        said = b"".join(errors).decode(errors="replace").strip()[:SHOWN]
        raise ImportFailedError(masked(said or f"psql ended with {codes[0]}", [item["password"]]))


def chunks_of(stream: t.BinaryIO, errors: list[bytes]) -> t.Iterator[bytes]:
    """Yield a file's content in pieces; a damaged one ends early, which its reader takes for a failure, and is told."""
    try:
        while chunk := stream.read(1 << 20):
            yield chunk
    except (OSError, EOFError, zlib.error) as error:
        errors.insert(0, f"{error}\n".encode())


def import_dump(socket: str, container: str, item: t.Mapping[str, t.Any], path: str, mark: str) -> None:
    """Import a dump into a database that is made for it; raise ImportFailedError or DumpError and leave nothing behind.

    ``item``: ``name``, ``owner``, ``password`` and ``extensions`` of the database. ``mark``: what is remembered of it.
    """
    scratch = scratch_name(item["name"])
    names = {"scratch": scratch, "name": item["name"], "owner": item["owner"]}
    try:
        _execute(socket, "postgres", [DROP_SCRATCH, *CREATE_SCRATCH], names)
        for extension in map(extension_of, item["extensions"]):
            version = " VERSION {version}" if extension["version"] not in ("", "latest") else ""
            _execute(socket, scratch, [f"CREATE EXTENSION IF NOT EXISTS {{name}}{version} CASCADE"], extension)
        run(path, container, item, scratch)
        _execute(socket, scratch, ["ANALYZE"], {})
        _execute(socket, "postgres", TAKE_NAME, {**names, "mark": mark})
    except Exception as error:  # whatever it was, half a database must not stay
        with contextlib.suppress(Exception):
            _execute(socket, "postgres", [DROP_SCRATCH], names)
        if isinstance(error, DumpError):
            raise
        raise ImportFailedError(str(error).strip()) from error


def _execute(socket: str, database: str, statements: t.Sequence[str], names: t.Mapping[str, str]) -> None:
    """Run statements, each for itself: databases are not made or renamed within a transaction."""
    connection = psycopg2.connect(host=socket, user="postgres", dbname=database)
    try:
        connection.autocommit = True
        quoted = {k: sql.Literal(v) if k == "mark" else sql.Identifier(v) for k, v in names.items()}
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(sql.SQL(statement).format(**quoted))
    finally:
        connection.close()


@contextlib.contextmanager
def _process(
    command: list[str], output: int, environment: t.Mapping[str, str] | None = None
) -> t.Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.PIPE, env=environment
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                t.cast("t.IO[bytes]", process.stdin).close()
            raise


def _feed(chunks: t.Iterable[bytes], target: t.Any) -> None:
    """Write all; a reader that has ended has said why."""
    with contextlib.suppress(BrokenPipeError):
        for chunk in chunks:
            target.write(chunk)
    with contextlib.suppress(BrokenPipeError):
        target.close()


def _collect(source: t.Any, into: list[bytes]) -> None:
    for line in source:
        if sum(map(len, into)) < SHOWN:
            into.append(line)


def _in_thread(function: t.Callable[..., None], *arguments: t.Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
