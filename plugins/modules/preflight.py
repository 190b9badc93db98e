#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check the whole inventory and work out what each role needs
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Checks the variables of all roles of this collection that the play has, and all app files. Every mistake is
    reported at once, before anything on any server changes.
  - Returns what each role needs to know about the apps. It looks at no server and runs on the controller, where the
    Docker SDK for Python must be installed if apps are built from source.
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: It changes nothing.
options:
  directory:
    description: Directory of the app files, each a mapping of app name to app.
    type: path
    required: true
  deploy:
    description:
      - Name of app -> version, which may be empty, for the apps that a play deploys. Checked against their files.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Check the inventory
  berth.server.preflight:
    directory: "{{ inventory_dir }}/apps"
  register: preflight
"""

RETURN = r"""
resolved:
  description:
    - C(apps) (as M(berth.server.release) takes them), C(environments) (app -> service -> variables), C(networks)
      (name -> C(internal)), C(edge_networks), C(hosts) of all routes, C(postgres_databases) and C(redis_instances).
    - It holds passwords, so Ansible shows nothing of it.
  returned: success
  type: dict
"""
