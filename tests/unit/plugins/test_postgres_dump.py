# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import gzip
import pathlib

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_dump import DumpError, opened, own_statements


def kept(text: str) -> str:
    """What is run of a dump, without the empty lines that stand for what is not."""
    lines = text.encode().splitlines(keepends=True)
    result = list(own_statements(lines))
    assert len(result) == len(lines), "line numbers must stay"
    return b"".join(line for line in result if line.strip()).decode()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE public.orders OWNER TO former;\n",
        "ALTER FUNCTION public.twice(n integer) OWNER TO former;\n",
        "ALTER SCHEMA public OWNER TO pg_database_owner;\n",
        "GRANT SELECT ON TABLE public.orders TO reader;\n",
        "GRANT SELECT ON TABLE public.orders\n  TO reader;\n",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC;\n",
        "ALTER DEFAULT PRIVILEGES FOR ROLE former IN SCHEMA public GRANT SELECT ON TABLES TO reader;\n",
        "COMMENT ON EXTENSION vector IS 'a; quoted';\n",
        "SET SESSION AUTHORIZATION 'former';\n",
        "CREATE DATABASE former WITH TEMPLATE = template0;\n",
        "ALTER DATABASE former OWNER TO former;\n",
        "\\connect former\n",
        "SET transaction_timeout = 0;\n",
    ],
)
def test_what_belongs_to_the_old_server_is_left_out(statement: str) -> None:
    assert kept(f"SELECT 1;\n{statement}SELECT 2;\n") == "SELECT 1;\nSELECT 2;\n"


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE ONLY orders ADD CONSTRAINT a CHECK (n > 0);\n",
        "COMMENT ON TABLE orders IS 'GRANT ALL';\n",
        "CREATE FUNCTION f() RETURNS int AS $_$\nGRANT ALL ON a TO b;\n$_$ LANGUAGE sql;\n",
        "CREATE FUNCTION f() RETURNS int AS $a$\n$b$\nREVOKE ALL ON a FROM b;\n$a$ LANGUAGE sql;\n",
        "INSERT INTO a VALUES ('x;\nGRANT ALL ON a TO b;\n');\n",
        "INSERT INTO a VALUES ('it''s\nGRANT ALL ON a TO b;\n');\n",
        "INSERT INTO a VALUES (E'it\\'s\nGRANT ALL ON a TO b;\n');\n",
        'CREATE TABLE "a;\nGRANT ALL" (n int);\n',
        "/* a comment;\nGRANT ALL ON a TO b;\n*/\n",
        "SELECT -- 'open\n1;\n",
        "CREATE VIEW v AS\nSELECT 1;\n",
        "COPY public.a (b) FROM stdin;\nGRANT ALL ON a TO b;\nit's $$\n\\.\n",
        "SELECT $1;\n",
    ],
)
def test_everything_else_is_run(text: str) -> None:
    assert kept(text) == text
    assert kept(f"{text}GRANT ALL ON c TO d;\nSELECT 2;\n") == f"{text}SELECT 2;\n", "it knows where it is afterwards"


def test_a_dump_that_is_cut_off() -> None:
    begin, end = "-- PostgreSQL database dump\n", "-- PostgreSQL database dump complete\n"
    assert kept(f"{begin}SELECT 1;\n{end}")
    for text in (f"{begin}SELECT 1;\n", f"{begin}COPY a FROM stdin;\n1\n", f"{begin}SELECT '\n{end}"):
        with pytest.raises(DumpError, match="cut off"):
            kept(text)


@pytest.mark.parametrize(
    ("content", "custom"), [(b"SELECT 1;\n", False), (b"PGDMP\x01\x0e", True)], ids=["plain", "custom"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(tmp_path: pathlib.Path, content: bytes, custom: bool, packed: bool) -> None:
    path = tmp_path / "a.dump"
    path.write_bytes(gzip.compress(content) if packed else content)
    stream, found = opened(str(path))
    with stream:
        assert (stream.read(), found) == (content, custom)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "No such file", id="missing"),
        pytest.param(b"", "empty file", id="empty"),
        pytest.param(b"\0" * 257 + b"ustar" + b"\0" * 250, "tar archive", id="tar"),
        pytest.param(gzip.compress(b"x" * 10000)[:20], "expected a dump", id="damaged"),
    ],
)
def test_no_dump(tmp_path: pathlib.Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.dump"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DumpError, match=message):
        opened(str(path))


def test_damage_in_the_middle(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.sql.gz"
    path.write_bytes(gzip.compress(b"".join(b"SELECT %d;\n" % (n * 7919) for n in range(100000)))[:-2000])
    stream, _custom = opened(str(path))
    with stream, pytest.raises(DumpError, match="damaged"):
        list(own_statements(stream))
