#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine
short_description: Make Docker's engine what is wanted
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Writes C(daemon.json) and lets the engine read it, keeps units running, gives the client the credentials of
    registries, and makes networks. All of it is looked at in one go.
  - A C(daemon.json) that C(dockerd) refuses is never written. One with which the engine then does not start is replaced
    by the previous one, and the task fails with what the engine said.
  - A network that is made otherwise than wanted is made anew under its containers, which run on and get back their
    names and addresses on it.
requirements:
  - Docker's engine and client, and systemd, on the server
attributes:
  check_mode:
    support: full
    description: Returns what would change. A server without Docker is one on which everything is missing.
  diff_mode:
    support: full
    description: Shows files, and what else happens. Of credentials it shows whose they are.
options:
  daemon:
    description: The whole C(daemon.json).
    type: dict
    required: true
  networks:
    description: Networks that are to be there. Name -> C(internal), which is whether there is no way out.
    type: dict
    default: {}
  pool:
    description: The address range that networks are cut from, a /24 each.
    type: str
    required: true
  sensitive:
    description:
      - JSON text with what must never be shown. C(registries) is a list of mappings with C(registry) and either
        C(helper) or C(username) and C(password).
      - Credentials that an earlier run wrote and that are no longer in it are removed; others are left alone.
    type: str
    default: "{}"
  files:
    description: Files that are to be there.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The whole content.
        type: str
        required: true
      mode:
        description: Mode, as four octal digits.
        type: str
        default: "0644"
  units:
    description:
      - Units of systemd. Name -> whether it runs, now and at boot. C(docker.service) always does.
      - A unit whose file is among O(files) is restarted when that changes.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Run the engine with a network
  berth.server.engine:
    daemon: {log-driver: journald, live-restore: true}
    networks: {edge-web: {internal: true}}
    pool: 10.201.0.0/17
"""

RETURN = r"""
actions:
  description: What happened, or in check mode would happen.
  returned: always
  type: list
  elements: str
  sample: ["create network edge-web (10.201.0.0/24, internal): it is not there"]
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._engine import EngineError, EngineRunner, EngineSpec
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._stack import describe_actions

SPEC: dict[str, t.Any] = {
    "daemon": {"type": "dict", "required": True},
    "networks": {"type": "dict", "default": {}},
    "pool": {"type": "str", "required": True},
    "sensitive": {"type": "str", "default": "{}", "no_log": True},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
    },
    "units": {"type": "dict", "default": {}},
}


def to_spec(params: t.Mapping[str, t.Any]) -> EngineSpec:
    """Turn the module's parameters into an EngineSpec."""
    return EngineSpec(
        daemon=params["daemon"],
        networks=params["networks"],
        pool=params["pool"],
        registries=json.loads(params["sensitive"]).get("registries", []),
        files=[File(f["path"], f["content"], mode=int(f["mode"], 8)) for f in params["files"]],
        units=params["units"],
    )


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look, plan, and act unless in check mode."""

    def run_command(argv: list[str]) -> tuple[int, str, str]:
        return module.run_command(argv, handle_exceptions=False)

    runner = EngineRunner(Docker(run_command), run_command, to_spec(module.params), may_be_bare=module.check_mode)
    diff = list(runner.differences)
    if runner.actions:
        diff.append(describe_actions("Docker's engine", runner.actions))
    if runner.actions and not module.check_mode:
        runner.apply()
    return {"changed": bool(runner.actions), "actions": runner.actions, "diff": diff}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except (EngineError, DockerError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
