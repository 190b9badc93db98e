# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import hashlib
import hmac
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _postgres
from ansible_collections.berth.server.plugins.module_utils._postgres import (
    OWNER_ATTRIBUTES,
    complete,
    look_at,
    plan,
    refusals,
    scram_matches,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# The example of RFC 7677, section 3: user "user", password "pencil".
SALT, ITERATIONS = "W22ZaJ0SNY7soEsUEjb6gQ==", 4096
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
AUTH_MESSAGE = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s={SALT},i={ITERATIONS},c=biws,r={NONCE}"
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="


def verifier(password: str, salt: bytes, iterations: int) -> str:
    """RFC 5802, section 3, written down with HMAC alone; the form is Postgres' own (and RFC 5803's)."""

    def keyed(key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, hashlib.sha256).digest()

    block = keyed(password.encode(), salt + b"\0\0\0\1")
    salted = int.from_bytes(block, "big")
    for _ in range(iterations - 1):
        block = keyed(password.encode(), block)
        salted ^= int.from_bytes(block, "big")
    key = salted.to_bytes(32, "big")
    stored, server = hashlib.sha256(keyed(key, b"Client Key")).digest(), keyed(key, b"Server Key")
    text = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{text[0]}${text[1]}:{text[2]}"


STORED = verifier("pencil", base64.b64decode(SALT), ITERATIONS)


def test_the_verifier_of_these_tests_accepts_the_proof_of_rfc_7677() -> None:
    stored_key = base64.b64decode(STORED.split("$")[2].split(":")[0])
    signature = hmac.new(stored_key, AUTH_MESSAGE.encode(), hashlib.sha256).digest()
    client_key = bytes(a ^ b for a, b in zip(base64.b64decode(PROOF), signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored_key


@pytest.mark.parametrize(
    ("password", "stored", "expected"),
    [
        pytest.param("pencil", STORED, True, id="rfc 7677"),
        pytest.param("Pencil", STORED, False, id="another password"),
        pytest.param("", STORED, False, id="empty password"),
        pytest.param("pencil", None, False, id="role without a password"),
        pytest.param("pencil", "", False, id="empty"),
        pytest.param("pencil", "md5a39ed1bc9a6a1a1c5f2f8a1c7e6b7c1d", False, id="md5"),
        pytest.param("pencil", STORED.replace("256$", "1$", 1), False, id="another scheme"),
        pytest.param("pencil", STORED.replace("4096", "many"), False, id="broken iterations"),
        pytest.param("pencil", STORED.replace("4096", "0"), False, id="no iterations"),
        pytest.param("pencil", "SCRAM-SHA-256$4096:!$x:y", False, id="broken base64"),
        pytest.param("pencil", "SCRAM-SHA-256$4096", False, id="cut off"),
    ],
)
def test_scram_matches(password: str, stored: str | None, expected: bool) -> None:
    assert scram_matches(password, stored) is expected


@settings(max_examples=20)
@given(password=st.text(min_size=1), other=st.text(min_size=1), salt=st.binary(min_size=1, max_size=20))
def test_only_its_own_password_matches(password: str, other: str, salt: bytes) -> None:
    stored = verifier(password, salt, 2)
    assert scram_matches(password, stored)
    assert scram_matches(other, stored) is (other == password)


def desired(**changes: t.Any) -> dict[str, t.Any]:
    (item,) = complete([{"name": "shop", "owner": "shop", "password": "pencil", "extensions": ["vector"], **changes}])
    return item


def found(role: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    database = {
        "owner": "shop",
        "access_priv": "{postgres=CTc/postgres,shop=CTc/shop}",
        "extensions": {"vector": "0.8.0"},
        "tables": 3,
        "imported": "",
    }
    roles = {"shop": {**OWNER_ATTRIBUTES, "password_matches": True, **(role or {})}}
    return {"databases": {"shop": {**database, **changes}}, "roles": roles, "data_version": "17", "os": "trixie"}


ROLE = {"name": "shop", "password": "pencil"}
DATABASE = {"name": "shop", "owner": "shop"}
EXTENSION = {"database": "shop", "name": "vector", "version": ""}
PLANS: dict[str, tuple[dict[str, t.Any], dict[str, list[t.Any]]]] = {
    "all there": (found(), {}),
    "empty instance": (
        {"databases": {}, "roles": {}},
        {"roles": [ROLE], "databases": [DATABASE], "private": ["shop"], "extensions": [EXTENSION]},
    ),
    "another password": (found({"password_matches": False}), {"roles": [ROLE]}),
    "superuser by hand": (found({"rolsuper": True}), {"roles": [ROLE]}),
    "may not sign in": (found({"rolcanlogin": False}), {"roles": [ROLE]}),
    "few connections": (found({"rolconnlimit": 1}), {"roles": [ROLE]}),
    "role that ends": (found({"expires": True}), {"roles": [ROLE]}),
    "role lacking": ({**found(), "roles": {}}, {"roles": [ROLE]}),
    "another owner": (found(owner="postgres"), {"databases": [DATABASE]}),
    "open to the public": (found(access_priv="{=Tc/shop,shop=CTc/shop}"), {"private": ["shop"]}),
    "no rights were ever given": (found(access_priv=None), {"private": ["shop"]}),
    "extension lacking": (found(extensions={"plpgsql": "1.0"}), {"extensions": [EXTENSION]}),
    "older extension": (found(extensions={"vector": "0.4.0"}), {}),
}
NOTHING: dict[str, list[t.Any]] = {"roles": [], "databases": [], "private": [], "extensions": [], "imports": []}


@pytest.mark.parametrize(("server", "expected"), PLANS.values(), ids=PLANS.keys())
def test_plan(server: dict[str, t.Any], expected: dict[str, list[t.Any]]) -> None:
    assert plan([desired()], server) == NOTHING | expected


@pytest.mark.parametrize(
    ("version", "expected"), [("0.8.0", []), ("0.9.0", [{"database": "shop", "name": "vector", "version": "0.9.0"}])]
)
def test_extension_is_brought_to_a_version_when_asked(version: str, expected: list[t.Any]) -> None:
    assert plan([desired(extensions=[f"vector={version}"])], found())["extensions"] == expected


def test_role_of_two_databases_is_made_once() -> None:
    made = plan([desired(), desired(name="other")], {})
    assert made["roles"] == [ROLE]
    assert [item["name"] for item in made["databases"]] == ["shop", "other"]


def test_a_database_that_starts_with_a_dump_is_made_by_its_import() -> None:
    wanted = desired(**{"import": "/a.dump", "network": "x"})
    made = plan([wanted], {"roles": found()["roles"], "databases": {}})
    assert made == NOTHING | {"imports": [{k: v for k, v in wanted.items() if k not in ("network", "instance")}]}
    assert plan([wanted], found(imported="a.dump")) == NOTHING


@pytest.mark.parametrize(
    ("wanted", "server", "expected"),
    [
        pytest.param({}, found(), [], id="as it is"),
        pytest.param({}, {"data_version": "", "os": ""}, [], id="not there yet"),
        pytest.param({}, {"data_version": "", "os": "bookworm"}, [], id="no data yet"),
        pytest.param({"version": "18.1"}, found(), ["main.version: found data of Postgres 17"], id="another major"),
        pytest.param({"version": "17.9"}, found(), [], id="another minor"),
        pytest.param({"os": "bookworm"}, found(), ["main.os: found data sorted by trixie"], id="another system"),
        pytest.param({"import": True}, found(), ["import: found 3 tables"], id="dump over tables"),
        pytest.param({"import": True}, found(tables=0), [], id="dump over nothing"),
        pytest.param({"import": True}, found(imported="a.dump"), [], id="imported before"),
        pytest.param({"import": True}, {"problem": "does not run"}, [], id="does not answer"),
        pytest.param(
            {"version": "15", "os": "bookworm", "import": True},
            found(),
            ["main.version", "main.os", "database shop of instance main: import"],
            id="all at once",
        ),
    ],
)
def test_refusals(wanted: dict[str, t.Any], server: dict[str, t.Any], expected: list[str]) -> None:
    databases = [{"name": "shop", "import": wanted.get("import", False)}]
    instance = {"version": "17", "os": "trixie", **wanted, "databases": databases}
    messages = refusals("main", instance, server)
    assert len(messages) == len(expected)
    assert all(part in message for part, message in zip(expected, messages, strict=True))


def test_what_to_look_at() -> None:
    looked = look_at({"main": {"version": "17"}, "old": {"version": 15, "os": "bookworm"}}, [desired()], "trixie")
    assert looked == {
        "instances": {
            "main": {"version": "17", "os": "trixie", "databases": [{"name": "shop", "import": False}]},
            "old": {"version": "15", "os": "bookworm", "databases": []},
        },
        "passwords": {"main": {"shop": "pencil"}, "old": {}},
    }


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        pytest.param(None, True, id="default"),
        pytest.param("", True, id="empty text"),
        pytest.param("{=Tc/postgres,postgres=CTc/postgres}", True, id="public may connect"),
        pytest.param("=c/postgres\npostgres=CTc/postgres", True, id="in lines"),
        pytest.param("{postgres=CTc/postgres}", False, id="nobody else"),
        pytest.param("{postgres=CTc/postgres,shop=c/postgres}", False, id="one role"),
        pytest.param("{=T/postgres}", False, id="public may make temporary tables"),
        pytest.param("{=T/core}", False, id="the same, by a role with a c in its name"),
    ],
)
def test_is_public(access: str | None, expected: bool) -> None:
    assert _postgres._is_public(access) is expected
