#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_file
short_description: Create missing secrets in the environment's vault-encrypted file
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Adds a random value for each name that the file does not have, and encrypts the file with the vault password that
    Ansible was started with. Existing values stay as they are. Runs on the controller.
attributes:
  check_mode:
    support: full
    description: Returns what would be created.
  diff_mode:
    support: none
    description: Values are never shown.
options:
  path:
    description: The file.
    type: path
    required: true
  names:
    description: Names of secrets, and the number of characters that each is created with.
    type: dict
    required: true
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
  returned: always
  type: list
  elements: str
"""
