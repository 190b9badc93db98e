# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a server; Postgres itself is asked in the Molecule scenario ``postgres``."""

from __future__ import annotations

import json
import pathlib
import types
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.berth.server.plugins.module_utils import _postgres_look
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.modules import postgres_look

VERIFIER = (  # of "pencil", RFC 7677
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)
ROLE = {"rolname": "shop", "rolpassword": VERIFIER, **_postgres_look.OWNER_ATTRIBUTES}
DATABASE = {
    "datname": "shop",
    "owner": "shop",
    "access_priv": "{shop=CTc/shop}",
    "settings": ["search_path=a=b", "berth.imported=a.dump now"],
}
SETTING = {"name": "max_connections", "setting": "100", "pending_restart": True}
ANSWERS: dict[str, list[dict[str, t.Any]]] = {
    _postgres_look.DATABASES: [DATABASE],
    _postgres_look.ROLES: [ROLE],
    _postgres_look.SETTINGS: [SETTING],
    _postgres_look.EXTENSIONS: [{"extname": "vector", "extversion": "0.8.0"}],
    _postgres_look.TABLES: [{"tables": 3}],
}


class Cursor:
    rows: list[dict[str, t.Any]]

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def execute(self, query: str, _values: object) -> None:
        self.rows = ANSWERS[query]

    def fetchall(self) -> list[dict[str, t.Any]]:
        return self.rows


class FakePsycopg2(types.SimpleNamespace):
    Error = ConnectionError
    extras = types.SimpleNamespace(RealDictCursor=None)

    def connect(self, host: str, **_options: t.Any) -> types.SimpleNamespace:
        if not pathlib.Path(host).is_dir():
            raise ConnectionError("no socket\n")
        return types.SimpleNamespace(cursor=lambda **_options: Cursor(), close=lambda: None)


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A server with the instance main, whose volume is the directory ``volume``."""
    monkeypatch.setattr(_postgres_look, "psycopg2", FakePsycopg2())
    for path, content in {
        "volume/pgdata/PG_VERSION": "17\n",
        "volume/pgdata/postgresql.auto.conf": "# Do not edit\nwork_mem = '1MB'\n",
        "postgres/main/build/Dockerfile": "FROM postgres:17.5-trixie\n",
        "postgres/main/configuration/postgresql.conf": "work_mem = '4MB'\n",
        "postgres/main/socket/.keep": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")

    def run(_self: object, argv: list[str], **_options: t.Any) -> tuple[int, str, str]:
        if argv[2] == "ls":
            return 0, "postgres-main_data\nanother\n", ""
        return 0, json.dumps([{"Name": argv[3], "Mountpoint": str(tmp_path / "volume")}]), ""

    monkeypatch.setattr(basic.AnsibleModule, "run_command", run)
    return tmp_path


def look(
    capsys: pytest.CaptureFixture[str], root: pathlib.Path, names: t.Sequence[str] = ("main",), **options: t.Any
) -> dict[str, t.Any]:
    version = options.pop("version", "17")
    instance = {"version": version, "os": "trixie", "databases": [{"name": "shop", "import": False}]}
    sensitive = json.dumps({"main": {"shop": "pencil"}})
    arguments = {"root": str(root), "instances": dict.fromkeys(names, instance), "sensitive": sensitive, **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        postgres_look.main()
    return dict(json.loads(capsys.readouterr().out))


def test_look(server: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = look(capsys, server)
    assert result["changed"] is False
    assert result["machine"]["memory"] > 2**27
    main = result["instances"]["main"]
    assert main["roles"]["shop"] == {**_postgres_look.OWNER_ATTRIBUTES, "password_matches": True}
    assert main["databases"]["shop"] == {
        "owner": "shop",
        "access_priv": "{shop=CTc/shop}",
        "imported": "a.dump now",
        "extensions": {"vector": "0.8.0"},
        "tables": 3,
    }
    assert (main["data_version"], main["os"], main["by_hand"]) == ("17", "trixie", ["work_mem"])
    assert (main["pending"], main["written"]) == (["max_connections"], "work_mem = '4MB'\n")
    assert main["by_hand_file"] == str(server / "volume/pgdata/postgresql.auto.conf")
    assert VERIFIER not in json.dumps(result)


def test_an_instance_that_is_not_there(server: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = look(capsys, server, ["other"])
    assert result["instances"]["other"] == {
        "problem": "no socket",
        "data_version": "",
        "by_hand": [],
        "by_hand_file": "",
        "os": "",
        "written": "",
    }
    failed = look(capsys, server, ["other"], must_answer=True)
    assert failed["msg"] == "Postgres other does not answer: no socket"


def test_data_of_another_version_is_refused(server: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "found data of Postgres 17 on the server, expected data of 18" in look(capsys, server, version="18")["msg"]


def test_bare_server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_argv: list[str]) -> tuple[int, str, str]:
        raise FileNotFoundError("docker")

    monkeypatch.setattr(_postgres_look, "psycopg2", None)
    assert _postgres_look.data_directories(Docker(run), ["main"]) == {}
    assert "problem" in _postgres_look.served(str(tmp_path), {}, [])


def test_machine(tmp_path: pathlib.Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:        8131000 kB\nMemFree: 1 kB\n", encoding="ascii")
    assert _postgres_look.machine(str(tmp_path))["memory"] == 8131000 * 1024
