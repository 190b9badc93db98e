# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dump is led to psql, by real processes; a script stands for docker, and statements are only listed."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.berth.server.plugins.module_utils import _postgres_import
from ansible_collections.berth.server.plugins.modules import postgres_import

# pg_restore makes SQL of what follows the magic; psql keeps what it is given, and fails at the word NONSENSE.
DOCKER = """\
#!/bin/sh
case "$*" in
*pg_restore*) tail -c +6; [ -z "$DAMAGED" ] || { echo "pg_restore: error: could not read" >&2; exit 1; } ;;
*psql*)
    echo "$PGPASSWORD" > "$RECORD.password"; echo "$@" > "$RECORD.command"
    while IFS= read -r line; do
        echo "$line" >> "$RECORD"
        case "$line" in *NONSENSE*) echo "ERROR: syntax error, $PGPASSWORD" >&2; exit 3 ;; esac
    done ;;
esac
"""


class Server:
    """What was run: statements of the superuser, and SQL of the dump."""

    def __init__(self, path: pathlib.Path) -> None:
        self.statements: list[str] = []
        self.record = path / "record"

    def execute(self, _socket: str, database: str, statements: t.Sequence[str], names: t.Mapping[str, str]) -> None:
        self.statements += [f"{database}: {statement.format(**names)}" for statement in statements]

    def sql(self) -> list[str]:
        return [line for line in self.record.read_text(encoding="utf-8").splitlines() if line]


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server(tmp_path)
    (tmp_path / "docker").write_text(DOCKER, encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("RECORD", str(found.record))
    monkeypatch.setattr(_postgres_import, "_execute", found.execute)
    return found


def import_(capsys: pytest.CaptureFixture[str], path: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
    arguments = {
        "socket": "/s",
        "container": "postgres-main",
        "name": "shop",
        "owner": "keeper",
        "password": "hunter22",
        "extensions": ["vector=0.8.0"],
        "path": str(path),
        **options,
    }
    with patch_module_args(arguments), pytest.raises(SystemExit):
        postgres_import.main()
    return dict(json.loads(capsys.readouterr().out))


SQL = b"SELECT 1;\nALTER TABLE a OWNER TO b;\n" + b"SELECT 2;\n" * 50
FORMS = {"plain": SQL, "gzip": gzip.compress(SQL), "custom": b"PGDMP" + SQL, "both": gzip.compress(b"PGDMP" + SQL)}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS.keys())
def test_import(server: Server, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "a.dump").write_bytes(content)
    result = import_(capsys, tmp_path / "a.dump")
    assert (result["changed"], result["bytes"]) == (True, len(content))
    assert server.sql() == ["SELECT 1;"] + ["SELECT 2;"] * 50
    scratch = "shop__import"
    mark = server.statements[-2].rpartition(" = ")[2]
    assert mark.startswith("a.dump 20")
    assert server.statements == [
        f"postgres: DROP DATABASE IF EXISTS {scratch} WITH (FORCE)",
        f"postgres: CREATE DATABASE {scratch} OWNER keeper",
        f"postgres: REVOKE ALL ON DATABASE {scratch} FROM PUBLIC",
        f"{scratch}: CREATE EXTENSION IF NOT EXISTS vector VERSION 0.8.0 CASCADE",
        f"{scratch}: ANALYZE",
        "postgres: DROP DATABASE IF EXISTS shop",
        f'postgres: ALTER DATABASE {scratch} SET "berth.imported" = {mark}',
        f"postgres: ALTER DATABASE {scratch} RENAME TO shop",
    ]


def test_the_password_is_in_no_command(
    server: Server, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "a.sql").write_bytes(SQL)
    import_(capsys, tmp_path / "a.sql")
    command = pathlib.Path(f"{server.record}.command").read_text(encoding="utf-8")
    assert "--username=keeper" in command
    assert "hunter22" not in command
    assert pathlib.Path(f"{server.record}.password").read_text(encoding="utf-8") == "hunter22\n"


MANY = b"SELECT 'many';\n" * 200_000
FAILURES: dict[str, tuple[bytes, str]] = {
    "refused": (SQL + b"NONSENSE;\n", "ERROR: syntax error, "),
    "refused early in a long one": (b"NONSENSE;\n" + MANY, "ERROR: syntax error"),
    "refused early in a long custom one": (b"PGDMP NONSENSE;\n" + MANY, "ERROR: syntax error"),
    "cut off": (b"-- PostgreSQL database dump\nSELECT 1;\n", "the dump is cut off"),
    "damaged": (gzip.compress(os.urandom(5000))[:-200], "damaged"),
    "damaged custom": (gzip.compress(b"PGDMP" + os.urandom(5000))[:-200], "Compressed file ended"),
    "empty": (b"", "found an empty file"),
}


@pytest.mark.parametrize(("content", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_leaves_nothing(
    server: Server,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    message: str,
) -> None:
    if message.startswith("Compressed"):
        monkeypatch.setenv("DAMAGED", "yes")
    (tmp_path / "a.dump").write_bytes(content)
    result = import_(capsys, tmp_path / "a.dump")
    assert result["failed"]
    assert f"database shop: import of {tmp_path}/a.dump failed, nothing of it is left: " in result["msg"]
    assert message in result["msg"]
    assert "hunter22" not in result["msg"]
    assert server.statements[-1] == "postgres: DROP DATABASE IF EXISTS shop__import WITH (FORCE)"
    assert not any("RENAME" in statement for statement in server.statements)


def test_check_mode_only_says_so(server: Server, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    assert import_(capsys, tmp_path / "a.dump", _ansible_check_mode=True)["changed"]
    assert server.statements == []


def test_the_name_of_the_database_beside_is_not_too_long() -> None:
    assert len(_postgres_import.scratch_name("a" * 63)) == 63
