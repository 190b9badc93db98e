# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Read a secret of this environment
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Reads a value from the environment's secrets, a vault-encrypted YAML file of names and values.
  - It only reads. A secret that is missing is an error; C(playbooks/secrets.yml) creates what is missing.
options:
  _terms:
    description: Names of secrets, as C(app/name).
    required: true
  length:
    description: Number of characters that C(playbooks/secrets.yml) creates it with.
    type: int
    default: 40
  file:
    description: The file with the secrets.
    type: str
    vars:
      - name: berth_secrets_file
  collect:
    description: Return a place holder for a missing secret instead of failing. M(berth.server.secrets_wanted) sets it.
    type: bool
    default: false
    vars:
      - name: berth_secrets_collect
notes:
  - Without O(file), C(secrets.yml) beside the inventory's hosts is read.
"""

EXAMPLES = r"""
- name: In an app file
  ansible.builtin.debug:
    msg: "{{ lookup('berth.server.secret', 'featuremodels/secret_key') | length }}"
"""

RETURN = r"""
_list:
  description: The values, in the order of the names.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.berth.server.plugins.module_utils._secrets import NAME, ask

# (path, time and size of the file) -> its content. A run that rotates a secret reads the file before and after.
_read: dict[tuple[str, int, int, int], dict[str, str]] = {}


class LookupModule(LookupBase):
    """Reads secrets; see DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        path = self.get_option("file") or os.path.join((variables or {}).get("inventory_dir") or ".", "secrets.yml")
        secrets = self._load(path)
        return [self._value(term, secrets, path) for term in terms]

    def _load(self, path: str) -> dict[str, str]:
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return {}
        key = (path, found.st_mtime_ns, found.st_ino, found.st_size)
        if key in _read:
            return _read[key]
        try:
            _read[key] = self._loader.load_from_file(path, cache="none") or {}
        except AnsibleError as error:
            raise AnsibleLookupError(
                f"{path} cannot be read: {error.message} Give the vault's password with --vault-password-file, "
                "--ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE."
            ) from error
        return _read[key]

    def _value(self, name: str, secrets: dict[str, str], path: str) -> str:
        if not NAME.match(name):
            raise AnsibleLookupError(
                f"secret {name!r}: expected a name like app/secret, in lower case letters, digits, '-' and '_'"
            )
        collecting = ask(name, self.get_option("length"))
        if name in secrets:
            return str(secrets[name])
        if collecting or self.get_option("collect"):
            return f"<secret {name}>"
        raise AnsibleLookupError(
            f"secret {name}: not found in {path}. Run the playbook secrets.yml (berth.server.secrets) with the same "
            "inventory: it creates what is missing."
        )
