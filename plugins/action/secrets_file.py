# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ``secrets_file`` on the controller, the only place that knows the vault's password."""

from __future__ import annotations

import contextlib
import os
import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase
from ansible_collections.berth.server.plugins.module_utils._secrets import NAME, Secrets, SecretsError, described

STATES = ("created", "listed", "rotated", "restored", "settled")
SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "default": "created", "choices": list(STATES)},
    "names": {"type": "dict", "default": {}},
    "readers": {"type": "dict", "default": {}},
    "secret": {"type": "str", "default": ""},
    "both_ends": {"type": "list", "elements": "str", "default": []},
    "force": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Creates, lists and changes secrets; see the module's DOCUMENTATION."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(SPEC)
        path = pathlib.Path(arguments["path"])
        wanted = [*arguments["names"], *([arguments["secret"]] if arguments["state"] in STATES[2:] else [])]
        bad = [name for name in wanted if not NAME.match(name)]
        if bad:
            raise AnsibleActionFail(f"secrets {bad}: expected names like app/secret, lower case, with at least one '/'")
        try:
            before = self._read(path)
            after, told = self._decide(before, arguments)
            if after != before and not self._task.check_mode:
                self._write(path, after)
        except SecretsError as error:
            raise AnsibleActionFail(f"{path}: {error}") from error
        except OSError as error:
            raise AnsibleActionFail(f"{path}: {error.strerror or error}. Nothing in it was changed.") from error
        return {"changed": after != before, "path": str(path), **told}

    def _decide(self, before: Secrets, arguments: t.Mapping[str, t.Any]) -> tuple[Secrets, dict[str, t.Any]]:
        """Return what the file is to hold, and what to tell of it."""
        name, names = arguments["secret"], arguments["names"]
        match arguments["state"]:
            case "listed":
                rows = before.listed(arguments["readers"])
                return before, {"secrets": rows, "lines": described(rows)}
            case "rotated":
                both = name in arguments["both_ends"]
                length = int(names.get(name, len(before.values.get(name, ""))))
                readers = arguments["readers"].get(name) or []
                return before.rotated(name, length, bool(readers), both, arguments["force"]), {"readers": readers}
            case "restored":
                return before.restored(name), {}
            case "settled":
                return before.settled(name), {}
        after, created = before.created({key: int(length) for key, length in names.items()})
        return (after if created else before), {"created": created}

    def _read(self, path: pathlib.Path) -> Secrets:
        self._vault_id, self._vault_secret = None, None
        if not path.exists():
            return Secrets({})
        text = path.read_bytes()
        if not is_encrypted(text):
            raise SecretsError(f"found plain text, expected a vault-encrypted file; run: ansible-vault encrypt {path}")
        try:
            plain, self._vault_id, self._vault_secret = self._loader._vault.decrypt_and_get_vault_id(text)
        except AnsibleError as error:
            raise SecretsError(
                f"cannot be decrypted: {error.message} Was it encrypted with another password? Give the vault's "
                "password with --vault-password-file, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE."
            ) from error
        content = None
        with contextlib.suppress(yaml.YAMLError):  # its message would quote the text
            content = yaml.safe_load(plain) or {}
        if not isinstance(content, dict):
            raise SecretsError("found no mapping of names and values in it; mend it with ansible-vault edit")
        return Secrets.of(content)

    def _write(self, path: pathlib.Path, secrets: Secrets) -> None:
        """Replace the file as a whole, encrypted with the password that opened it."""
        text = yaml.safe_dump(secrets.content, allow_unicode=True)
        try:
            encrypted = self._loader._vault.encrypt(text, secret=self._vault_secret, vault_id=self._vault_id)
        except AnsibleError as error:
            raise SecretsError(
                f"cannot be written: {error.message} Give the vault's password with --vault-password-file, "
                "--ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE."
            ) from error
        temporary = path.with_name(f".{path.name}.new")
        temporary.touch(mode=0o600)
        with temporary.open("wb") as stream:
            stream.write(encrypted)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
