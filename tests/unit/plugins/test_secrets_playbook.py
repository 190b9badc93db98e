# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup ``secret`` and the actions ``secrets_file`` and ``secrets_wanted``, in real runs of ansible-playbook."""

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
        """Return the decrypted secrets, without what the file says about them."""
        argv = [sys.executable, "-m", "ansible", "vault", "view", "--vault-password-file", "password", "secrets.yml"]
        shown = subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, check=True).stdout
        return {name: value for name, value in yaml.safe_load(shown).items() if isinstance(value, str)}

    def text(self, name: str = "secrets.yml") -> str:
        """Return a file as it is."""
        return (self.directory / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> pathlib.Path:
        """Write a file beside the inventory and return its path."""
        (self.directory / name).write_text(text, encoding="utf-8")
        return self.directory / name

    def encrypt(self, name: str, text: str, *options: str) -> None:
        """Write an encrypted file."""
        self.write("password", self.password)
        path = self.write(name, text)
        ids = ["--vault-id", f"other@{self.write('o', 'two')}"] if options else ["--vault-password-file", "password"]
        argv = [sys.executable, "-m", "ansible", "vault", "encrypt", *ids, *options, str(path)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        subprocess.run(argv, cwd=self.directory, env=environment, capture_output=True, check=True)


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


def test_collecting_gives_a_place_holder_for_a_missing_secret_and_names_are_checked(created: Inventory) -> None:
    code, output = created.run(collect("shop/new"), collect("Shop"))
    assert code != 0
    assert "<secret shop/new>" in output
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


def change(state: str, **options: t.Any) -> dict[str, t.Any]:
    arguments = {"path": "{{ inventory_dir }}/secrets.yml", "state": state, "secret": "shop/key", **options}
    return {"name": state, "berth.server.secrets_file": arguments, "register": state}


def test_rotating_and_putting_back_never_shows_a_value(created: Inventory) -> None:
    before = created.values()
    arguments = {"names": NAMES, "readers": {"shop/key": ["app shop: env.KEY"]}}
    show = {"name": "Show", "ansible.builtin.debug": {"msg": f"{LOOKUP} is read"}, "no_log": True, "register": "read"}
    compare = {"name": "Compare", "ansible.builtin.assert": {"that": "read.msg != old.msg"}, "no_log": True}
    code, output = created.run(
        {**show, "register": "old"},
        {**change("rotated", **arguments), "check_mode": True},
        change("rotated", **arguments),
        show,
        compare,
        change("listed", readers=arguments["readers"]),
        {"name": "Lines", "ansible.builtin.debug": {"var": "listed.lines"}},
        options=["-vvv", "--diff"],
    )
    assert code == 0, output
    after = created.values()
    assert "shop/key present generated app shop: env.KEY; its rotation did not end" in output
    assert not [value for value in {*before.values(), *after.values()} if value in output]
    assert {name for name in after if after[name] != before[name]} == {"shop/key"}
    assert created.run(change("restored"))[0] == 0
    assert created.values() == before
    assert created.run(change("rotated", **arguments), change("settled"))[0] == 0
    assert ".previous" not in created.text()
    assert created.values()["shop/key"] not in (before["shop/key"], after["shop/key"])


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (change("rotated", secret="shop/kay"), "secret shop/kay: not found, expected one that is there (shop/key"),
        (change("rotated", secret="Shop"), "expected names like app/secret"),
        (change("rotated"), "no app file and no variable reads it"),
        (change("created", path="/proc/nowhere/secrets.yml", names=NAMES), "Nothing in it was changed"),
        (change("created", path="/proc", names=NAMES), "Is a directory. Nothing in it was changed"),
        (change("created", path="{{ inventory_dir }}/list.yml"), "found no mapping of names and values"),
        (change("created", path="{{ inventory_dir }}/broken.yml"), "found no mapping of names and values"),
    ],
    ids=["unknown", "bad-name", "unused", "not-writable", "directory", "list", "broken"],
)
def test_what_cannot_be_done_is_said_and_nothing_is_lost(
    created: Inventory, task: dict[str, t.Any], message: str
) -> None:
    before = created.secrets.read_bytes()
    created.encrypt("list.yml", "[hunter2]")
    created.encrypt("broken.yml", "a: [hunter2")
    code, output = created.run(task)
    assert code != 0
    assert message in output
    assert "hunter2" not in output
    assert created.secrets.read_bytes() == before


def test_the_file_stays_encrypted_with_the_password_that_opened_it(created: Inventory) -> None:
    created.encrypt("other.yml", "shop/key: hunter2", "--encrypt-vault-id", "other")
    options = [
        "--vault-id",
        f"first@{created.write('first', 'one')}",
        "--vault-id",
        f"other@{created.write('o', 'two')}",
    ]
    path = "{{ inventory_dir }}/other.yml"
    code, output = created.run(change("created", path=path, names={"shop/new": 40}), options=options, vault=False)
    assert code == 0, output
    assert created.text("other.yml").startswith("$ANSIBLE_VAULT;1.2;AES256;other")


def wanted(created: Inventory, variables: dict[str, t.Any], *tasks: dict[str, t.Any]) -> tuple[int, str]:
    directory = created.directory / "group_vars"
    directory.mkdir(exist_ok=True)
    (directory / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    find = {"name": "Find", "berth.server.secrets_wanted": None, "register": "wanted"}
    try:
        return created.run(find, *tasks)
    finally:
        (directory / "all.yml").unlink()


def test_wanted_are_found_in_app_files_and_variables_whatever_is_made_of_them(created: Inventory) -> None:
    def read(name: str, rest: str = "") -> str:
        return f"{{{{ lookup('berth.server.secret', {name}){rest} }}}}"

    apps = {
        "shop": {
            "env": {"KEY": read("'shop/key', length=20"), "MAIL": "{{ mail.password }}", "BAD": "{{ not_set }}"},
            "postgres": {"db": {}},
            "redis": "{{ {'queue': {}} }}",
        },
        "broken": None,
    }
    variables = {
        "apps": apps,
        "here": "shop",
        "mail": {"password": read("here ~ '/mail'")},
        "users": [{"hash": read("'shop/admin'", " | b64decode | from_json")}],
        "ansible_remote_tmp": str(created.directory / "tmp"),
    }
    check = {
        "name": "Compare",
        "ansible.builtin.assert": {
            "that": [
                "wanted.names == {'shop/key': 20, 'shop/mail': 40, 'shop/admin': 40, 'shop/postgres/db': 40, "
                "'shop/redis/queue': 40}",
                "wanted.readers['shop/key'] == ['app shop: env.KEY']",
                "wanted.readers['shop/mail'] == ['variable mail.password']",
                "wanted.readers['shop/admin'] == ['variable users[0].hash']",
                "wanted.readers['shop/redis/queue'] == ['app shop: redis.queue']",
                "wanted.both_ends == ['shop/postgres/db', 'shop/redis/queue']",
            ]
        },
    }
    code, output = wanted(created, variables, check)
    assert code == 0, output


def test_a_variable_that_cannot_be_read_is_named(created: Inventory) -> None:
    code, output = wanted(created, {"mail": "{{ lookup('berth.server.secret', nobody_set_this) }}"})
    assert code != 0
    assert "variable mail: " in output
    assert "nobody_set_this" in output
