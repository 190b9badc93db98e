#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_wanted
short_description: Find out which secrets an inventory reads
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Looks for texts that name the lookup P(berth.server.secret#lookup), in the variables of all hosts of the play and in
    the app files in the variable C(apps), fills them in, and notes which secrets are asked for.
  - Adds those that berth itself needs for the databases and Redis instances of apps.
  - Values are not returned. Runs on the controller.
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
options: {}
"""

EXAMPLES = r"""
- name: Find out which secrets are wanted
  berth.server.secrets_wanted:
  register: wanted
"""

RETURN = r"""
names:
  description: Name of secret -> number of characters to create it with.
  returned: always
  type: dict
  sample: {web/postgres/web: 40}
readers:
  description: Name of secret -> what reads it.
  returned: always
  type: dict
  sample: {web/postgres/web: ["app web: postgres.web"]}
both_ends:
  description: Names of the secrets that berth itself sets wherever they are checked.
  returned: always
  type: list
  elements: str
"""
