#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_file
short_description: Create, list and rotate secrets in the environment's vault-encrypted file
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Keeps random values by name in a YAML file, which is replaced as a whole and encrypted with the vault password that
    opened it; a new file with the one that Ansible was started with. Runs on the controller.
  - Beside the values the file holds C(.generated), fingerprints by which a value that was set by hand is known, and
    during a rotation C(.previous), the value that was there before.
attributes:
  check_mode:
    support: full
    description: Returns what would be created or rotated.
  diff_mode:
    support: none
    description: Values are never shown.
options:
  path:
    description: The file.
    type: path
    required: true
  state:
    description:
      - V(created) adds a random value for each of O(names) that the file does not have. Existing values stay.
      - V(listed) returns what there is and what is missing, without values.
      - V(rotated) gives O(secret) a new value and keeps the old one beside it.
      - V(restored) puts the old value of O(secret) back.
      - V(settled) forgets the old value of O(secret).
    type: str
    choices: [created, listed, rotated, restored, settled]
    default: created
  names:
    description: Names of secrets, and the number of characters that each is created with.
    type: dict
    default: {}
  readers:
    description: Names of secrets, and a list of what reads each, as M(berth.server.secrets_wanted) returns it.
    type: dict
    default: {}
  secret:
    description: The one that is rotated, restored or settled.
    type: str
    default: ""
  both_ends:
    description:
      - Names of secrets that berth sets wherever they are checked, as in a database. They may be rotated however they
        came about.
    type: list
    elements: str
    default: []
  force:
    description: Rotate a value although it was set by hand.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Create what is missing
  berth.server.secrets_file:
    path: "{{ inventory_dir }}/secrets.yml"
    names: {featuremodels/secret_key: 40}
"""

RETURN = r"""
created:
  description: Names of the secrets that were created.
  returned: with O(state=created)
  type: list
  elements: str
secrets:
  description:
    - Of every secret its name, whether it is present, its origin, its readers, and whether its rotation is unfinished.
  returned: with O(state=listed)
  type: list
  elements: dict
lines:
  description: The same as a table.
  returned: with O(state=listed)
  type: list
  elements: str
readers:
  description: What reads the secret.
  returned: with O(state=rotated)
  type: list
  elements: str
"""
