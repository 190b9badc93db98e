#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_import
short_description: Import a dump into a new Postgres database
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Runs the dump, as the owner of the database, in a database beside the wanted one, which gets its name when all of
    it is there. So a failure leaves no half database.
  - Owners, rights and roles that the dump names are left out; all belongs to the owner. What needs a superuser fails,
    but for the extensions that are named.
  - Which database has been imported is remembered as its setting C(berth.imported).
requirements:
  - psycopg2 on the server
attributes:
  check_mode:
    support: full
    description: Says that it would import.
options:
  socket:
    description: Directory of the instance's socket.
    type: path
    required: true
  container:
    description: The instance's container.
    type: str
    required: true
  name:
    description: The database. One that is there must have no tables.
    type: str
    required: true
  owner:
    description: The role that is to own it.
    type: str
    required: true
  password:
    description: The owner's password.
    type: str
    required: true
  extensions:
    description: Extensions to create first.
    type: list
    elements: str
    default: []
  path:
    description: The dump on the server, in C(pg_dump)'s plain or custom format, also packed by gzip.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Import the shop's data
  berth.server.postgres_import:
    socket: /srv/berth/postgres/main/socket
    container: postgres-main
    name: shop
    owner: shop
    password: "{{ password }}"
    path: /root/shop.dump
"""

RETURN = r"""
bytes:
  description: Size of the dump.
  returned: when it was imported
  type: int
seconds:
  description: How long it took.
  returned: when it was imported
  type: float
"""

import datetime
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils import _postgres_import
from ansible_collections.berth.server.plugins.module_utils._postgres_dump import DumpError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "socket": {"type": "path", "required": True},
            "container": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "owner": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "extensions": {"type": "list", "elements": "str", "default": []},
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if module.check_mode:
        module.exit_json(changed=True)
    start = time.monotonic()
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    mark = f"{os.path.basename(wanted['path'])} {now:%Y-%m-%dT%H:%M:%SZ}"
    try:
        _postgres_import.import_dump(wanted["socket"], wanted["container"], wanted, wanted["path"], mark)
        size = os.path.getsize(wanted["path"])
    except (_postgres_import.ImportFailedError, DumpError, OSError) as error:
        module.fail_json(
            msg=f"database {wanted['name']}: import of {wanted['path']} failed, nothing of it is left: {error}"
        )
    module.exit_json(changed=True, bytes=size, seconds=round(time.monotonic() - start, 1))


if __name__ == "__main__":
    main()
