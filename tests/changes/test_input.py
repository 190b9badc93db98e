"""Mistakes on the command line and around it are told before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.server import Playbook, Server
from tests.changes.effects import Look
from tests.changes.inventory import Inventory

Given = tuple[list[str], dict[str, str | None]]


def wrong_password(_inventory: Inventory, tmp_path: Path) -> Given:
    (tmp_path / "password").write_text("another one\n", encoding="utf-8")
    return [], {"ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password")}


def no_password(_inventory: Inventory, _tmp_path: Path) -> Given:
    return [], {"ANSIBLE_VAULT_PASSWORD_FILE": None}


def missing_secret(inventory: Inventory, _tmp_path: Path) -> Given:
    inventory.app("notes", env={"TOKEN": "{{ lookup('berth.server.secret', 'notes/token') }}"})
    inventory.app("clock", redis={"queue": {}})
    return [], {}


def no_directory(_inventory: Inventory, tmp_path: Path) -> Given:
    return ["--extra-vars", f"app_directory={tmp_path / 'nowhere'}"], {}


def unknown_group(inventory: Inventory, _tmp_path: Path) -> Given:
    hosts = inventory.hosts.read_text(encoding="utf-8")
    inventory.hosts.write_text(hosts.replace("berth:\n", "servers:\n", 1), encoding="utf-8")
    return [], {}


def unknown_host(_inventory: Inventory, _tmp_path: Path) -> Given:
    return ["--limit", "elsewhere"], {}


MISTAKES: dict[str, tuple[Callable[[Inventory, Path], Given], list[str]]] = {
    "a wrong vault password": (wrong_password, ["secrets.yml", "vault"]),
    "no vault password": (no_password, ["secrets.yml", "vault"]),
    "secrets that are missing": (
        missing_secret,
        ["notes/token", "clock/redis/queue", "secrets.yml (berth.server.secrets)"],
    ),
    "no directory of apps": (no_directory, ["app_directory", "nowhere"]),
    "an inventory without the group": (unknown_group, ["berth"]),
    "a host that the inventory has not": (unknown_host, ["elsewhere"]),
}


@pytest.mark.parametrize(("make", "says"), MISTAKES.values(), ids=[name.replace(" ", "-") for name in MISTAKES])
def test_a_mistake_is_told_before_anything_changes(
    make: Callable[[Inventory, Path], Given],
    says: list[str],
    inventory: Inventory,
    playbook: Playbook,
    server: Server,
    tmp_path: Path,
    finished: None,  # noqa: ARG001
) -> None:
    before = Look.at(server)
    options, environment = make(inventory, tmp_path)
    try:
        code, said = playbook.text("site.yml", *options, env=environment)
    finally:
        inventory.reset()
    assert code != 0, said
    assert [words for words in says if words not in said] == [], said
    assert "Traceback" not in said
    assert Look.at(server) == before
