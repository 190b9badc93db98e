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
from ansible_collections.berth.server.plugins.module_utils._postgres import plan, scram_matches
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
    return {"name": "shop", "owner": "shop", "password": "pencil", "extensions": ["vector"], **changes}


def found(**changes: t.Any) -> dict[str, t.Any]:
    access = "{postgres=CTc/postgres,shop=CTc/shop}"
    return {"databases": {"shop": {"owner": "shop", "access_priv": access, "extensions": {"vector": {}}, **changes}}}


ROLE = {"name": "shop", "password": "pencil"}
DATABASE = {"name": "shop", "owner": "shop"}
EXTENSION = {"database": "shop", "name": "vector"}
PLANS: dict[str, tuple[dict[str, t.Any], dict[str, str | None], dict[str, list[t.Any]]]] = {
    "all there": (found(), {"shop": STORED}, {}),
    "empty instance": (
        {"databases": {}},
        {},
        {"roles": [ROLE], "databases": [DATABASE], "private": ["shop"], "extensions": [EXTENSION]},
    ),
    "role without password": (found(), {"shop": None}, {"roles": [ROLE]}),
    "another owner": (found(owner="postgres"), {"shop": STORED}, {"databases": [DATABASE]}),
    "open to the public": (found(access_priv="{=Tc/shop,shop=CTc/shop}"), {"shop": STORED}, {"private": ["shop"]}),
    "no rights were ever given": (found(access_priv=None), {"shop": STORED}, {"private": ["shop"]}),
    "extension lacking": (found(extensions={"plpgsql": {}}), {"shop": STORED}, {"extensions": [EXTENSION]}),
    "extensions unknown": (found(extensions=None), {"shop": STORED}, {"extensions": [EXTENSION]}),
}


@pytest.mark.parametrize(("info", "passwords", "expected"), PLANS.values(), ids=PLANS.keys())
def test_plan(info: dict[str, t.Any], passwords: dict[str, str | None], expected: dict[str, list[t.Any]]) -> None:
    nothing: dict[str, list[t.Any]] = {"roles": [], "databases": [], "private": [], "extensions": []}
    assert plan([desired()], info, passwords) == nothing | expected


def test_role_of_two_databases_is_made_once() -> None:
    made = plan([desired(), desired(name="other")], {}, {})
    assert made["roles"] == [ROLE]
    assert [item["name"] for item in made["databases"]] == ["shop", "other"]


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
