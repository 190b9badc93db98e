# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup ``secret`` and the action ``secrets_file``, in real runs of ansible-playbook on this machine."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
LOOKUP = "{{ lookup('berth.server.secret', 'shop/key') }}"
NAMES = {"shop/key": 32, "shop/postgres/db": 40}


class Inventory:
    """An inventory directory with a vault password, where playbooks are run."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.secrets = directory / "secrets.yml"
        self.password = "the-vault-password"
        hosts = {
            "all": {"hosts": {"here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}
        }
        (directory / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")

    def run(self, *tasks: dict[str, t.Any], options: t.Sequence[str] = (), vault: bool = True) -> tuple[int, str]:
        """Run tasks; return exit code and all output, its white space folded."""
        play = [{"name": "Test", "hosts": "all", "gather_facts": False, "tasks": list(tasks)}]
        (self.directory / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
        (self.directory / "password").write_text(self.password, encoding="utf-8")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment |= {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.directory / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
        }
        argv = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", *options]
        argv += ["--vault-password-file", "password"] if vault else []
        ran = subprocess.run(argv, cwd=self.directory, env=environment, capture_output=True, text=True, check=False)
        return ran.returncode, " ".join((ran.stdout + ran.stderr).split())

    def values(self) -> dict[str, str]:
        """Return the decrypted secrets."""
        argv = [sys.executable, "-m", "ansible", "vault", "view", "--vault-password-file", "password", "secrets.yml"]
        shown = subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, check=True).stdout
        return t.cast("dict[str, str]", yaml.safe_load(shown))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return Inventory(tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def first_run(inventory: Inventory) -> tuple[int, str]:
    """What the run says that creates the secrets, with all that Ansible can tell."""
    return inventory.run(create(NAMES), options=["-vvv", "--diff"])


@pytest.fixture
def created(inventory: Inventory, first_run: tuple[int, str]) -> Inventory:
    assert first_run[0] == 0, first_run[1]
    return inventory


def create(names: dict[str, int], **changes: t.Any) -> dict[str, t.Any]:
    arguments = {"path": "{{ inventory_dir }}/secrets.yml", "names": names}
    return {"name": "Create", "berth.server.secrets_file": arguments, **changes}


def test_missing_secrets_are_created_encrypted(created: Inventory) -> None:
    assert created.secrets.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;")
    assert created.secrets.stat().st_mode & 0o777 == 0o600
    assert {name: len(value) for name, value in created.values().items()} == NAMES
    assert not list(created.directory.glob(".secrets*"))


def test_values_are_never_in_the_output(created: Inventory, first_run: tuple[int, str]) -> None:
    output = first_run[1]
    assert "shop/postgres/db" in output
    assert not [value for value in created.values().values() if value in output]


def test_next_run_adds_what_is_missing_and_then_changes_nothing(created: Inventory) -> None:
    before = created.values()
    code, output = created.run(
        create({**NAMES, "shop/other": 8}, check_mode=True, register="checked"),
        create(NAMES, register="same"),
        create({**NAMES, "shop/other": 8}, register="added"),
        {
            "name": "Compare",
            "ansible.builtin.assert": {
                "that": [
                    "checked is changed and checked.created == ['shop/other']",
                    "same is not changed and same.created == []",
                    "added is changed and added.created == ['shop/other']",
                    f"lookup('berth.server.secret', 'shop/key') == '{before['shop/key']}'",
                ]
            },
        },
    )
    assert code == 0, output
    after = created.values()
    assert {name: after[name] for name in NAMES} == before
    assert len(after["shop/other"]) == 8


def test_missing_secret_names_the_command_and_mints_nothing(created: Inventory) -> None:
    before = created.secrets.read_bytes()
    lookup = "{{ lookup('berth.server.secret', 'shop/nothing') }}"
    code, output = created.run({"name": "Read", "ansible.builtin.debug": {"msg": lookup}})
    assert code != 0
    assert "secret shop/nothing: not found in" in output
    assert "the playbook secrets.yml" in " ".join(output.split())
    assert created.secrets.read_bytes() == before


def collect(name: str) -> dict[str, t.Any]:
    lookup = f"{{{{ lookup('berth.server.secret', '{name}', length=12) }}}}"
    return {"name": "Collect", "ansible.builtin.debug": {"msg": lookup}, "vars": {"berth_secrets_collect": True}}


def test_collecting_gives_a_marker_for_a_missing_secret_and_names_are_checked(created: Inventory) -> None:
    code, output = created.run(collect("shop/new"), collect("Shop"))
    assert code != 0
    assert "<berth-secret shop/new 12>" in output
    assert re.search(r"secret 'Shop': expected a name like app/secret", output)


@pytest.mark.parametrize("password", ["wrong", None], ids=["wrong", "none"])
def test_vault_that_does_not_open_is_an_error_without_change(created: Inventory, password: str | None) -> None:
    before, right = created.secrets.read_bytes(), created.password
    created.password = password or right
    rescued = {
        "name": "Both",
        "block": [create({"shop/more": 40})],
        "rescue": [{"name": "Read", "ansible.builtin.debug": {"msg": LOOKUP}}],
    }
    try:
        code, output = created.run(rescued, vault=password is not None)
    finally:
        created.password = right
    assert code != 0
    assert "cannot be decrypted" in output
    assert "cannot be read" in output
    assert "--vault-password-file" in output
    assert created.secrets.read_bytes() == before


def test_plain_text_and_bad_names_are_refused(inventory: Inventory) -> None:
    plain = inventory.directory / "plain.yml"
    plain.write_text("shop/key: hunter2\n", encoding="utf-8")
    arguments = {"path": str(plain), "names": {"shop/more": 40}}
    refused = {"name": "Plain", "berth.server.secrets_file": arguments}
    rescued = {"name": "Both", "block": [refused], "rescue": [create({"Shop": 40})]}
    code, output = inventory.run(rescued)
    assert code != 0
    assert "found plain text, expected a vault-encrypted file; run: ansible-vault encrypt" in output
    assert "secrets ['Shop']: expected names like app/secret" in output
    assert plain.read_text(encoding="utf-8") == "shop/key: hunter2\n"
    assert "hunter2" not in output
