#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_look
short_description: Look at the machine and at all Postgres instances once
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Returns what is needed to tune instances and to tell what they lack, of all instances at once. Changes nothing.
  - Fails when an instance must not be touched as it is wanted, before anything is, since its data is another major
    version's or another system's, or since a dump would go into a database that has tables.
requirements:
  - psycopg2 on the server, as soon as an instance runs
attributes:
  check_mode:
    support: full
    description: It only looks.
options:
  root:
    description: Directory below which the stacks live.
    type: path
    required: true
  instances:
    description: Name of instance -> C(version), C(os) and C(databases), a list of C(name) and C(import).
    type: dict
    required: true
  sensitive:
    description: JSON text with what must never be shown, instance -> role -> the password that it should have.
    type: str
    default: "{}"
  must_answer:
    description: Fail when an instance does not answer.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the instances
  berth.server.postgres_look:
    root: /srv/berth
    instances:
      main: {version: "17", os: trixie, databases: [{name: shop}]}
    sensitive: "{{ {'main': {'shop': password}} | to_json }}"
"""

RETURN = r"""
machine:
  description: Memory in bytes and number of cores.
  returned: success
  type: dict
  sample: {memory: 8323604480, cpus: 4}
instances:
  description:
    - Name -> what files say (C(data_version), C(by_hand), C(by_hand_file), C(os), C(written)) and, where it answers,
      what it says itself (C(roles), C(databases), C(settings), C(pending)), or else C(problem).
  returned: success
  type: dict
"""

import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils import _names, _postgres_look
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._postgres import refusals


def look(module: AnsibleModule) -> dict[str, t.Any]:
    """Return what the module returns."""
    wanted = module.params["instances"]
    passwords = json.loads(module.params["sensitive"])
    docker = Docker(lambda argv: module.run_command(argv, handle_exceptions=False))
    data = _postgres_look.data_directories(docker, wanted)
    found = {}
    for name, instance in wanted.items():
        directory = _names.postgres_directory(module.params["root"], name)
        databases = [item["name"] for item in instance["databases"]]
        found[name] = _postgres_look.files(directory, data.get(name, ""))
        found[name] |= _postgres_look.served(os.path.join(directory, "socket"), passwords.get(name, {}), databases)
    return {"machine": _postgres_look.machine(), "instances": found}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "instances": {"type": "dict", "required": True},
            "sensitive": {"type": "str", "default": "{}", "no_log": True},
            "must_answer": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    result = look(module)
    wanted = module.params["instances"]
    problems = [text for name, found in result["instances"].items() for text in refusals(name, wanted[name], found)]
    if module.params["must_answer"]:
        answers = result["instances"].items()
        problems += [
            f"Postgres {name} does not answer: {found['problem']}" for name, found in answers if "problem" in found
        ]
    if problems:
        module.fail_json(msg="\n".join(problems))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
