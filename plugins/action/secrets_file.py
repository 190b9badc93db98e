# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ``secrets_file`` on the controller, the only place that knows the vault's password."""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase
from ansible_collections.berth.server.plugins.module_utils._secrets import NAME, generate


class ActionModule(ActionBase):
    """Creates missing secrets; see the module's DOCUMENTATION."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            {"path": {"type": "path", "required": True}, "names": {"type": "dict", "required": True}}
        )
        path = pathlib.Path(arguments["path"])
        bad = [name for name in arguments["names"] if not NAME.match(name)]
        if bad:
            raise AnsibleActionFail(f"secrets {bad}: expected names like app/secret, lower case, with at least one '/'")
        secrets = self._read(path)
        created = {name: generate(int(n)) for name, n in sorted(arguments["names"].items()) if name not in secrets}
        if created and not self._task.check_mode:
            self._write(path, {**secrets, **created})
        return {"changed": bool(created), "created": sorted(created), "path": str(path)}

    def _read(self, path: pathlib.Path) -> dict[str, str]:
        if not path.exists():
            return {}
        if not is_encrypted(path.read_text(encoding="utf-8")):
            raise AnsibleActionFail(
                f"{path}: found plain text, expected a vault-encrypted file; run: ansible-vault encrypt {path}"
            )
        try:
            return dict(self._loader.load_from_file(str(path), cache="none") or {})
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"{path} cannot be decrypted: {error.message} Was it encrypted with another password?"
            ) from error

    def _write(self, path: pathlib.Path, secrets: dict[str, str]) -> None:
        text = yaml.safe_dump({str(name): str(value) for name, value in sorted(secrets.items())}, allow_unicode=True)
        try:
            encrypted = self._loader._vault.encrypt(text)
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"{path} cannot be written: {error.message} Give the vault's password with --vault-password-file, "
                "--ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE."
            ) from error
        temporary = path.with_name(f".{path.name}.new")
        temporary.touch(mode=0o600)
        temporary.write_bytes(encrypted)
        temporary.replace(path)
