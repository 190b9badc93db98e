#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_restart
short_description: Restart the containers of an app's release, one after the other
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Restarts the containers of the release that serves and waits after each until it is running and healthy, so that one
    which does not come up leaves the others as they are.
  - A container keeps its address, so routes lead to it again as soon as it answers. It makes no new release.
requirements:
  - docker on the server
attributes:
  check_mode:
    support: full
    description: Returns what would be restarted.
  diff_mode:
    support: none
    description: Nothing but the time of the start is different afterwards.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  release:
    description: The release that serves, as M(berth.server.app_info) returns it.
    type: str
    required: true
  services:
    description: Its services, in the order in which they are restarted.
    type: list
    elements: str
    required: true
  service:
    description: Restart this one alone. Otherwise what has ended and was meant to is left as it is.
    type: str
    default: ""
  timeout:
    description: Seconds until each container must be ready.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Restart the app
  berth.server.app_restart:
    app: "{{ found.app }}"
    release: "{{ found.release }}"
    services: "{{ found.services }}"
"""

RETURN = r"""
containers:
  description: What was, or in check mode would be, restarted, in that order.
  returned: success
  type: list
  elements: str
  sample: [shop-web-20261120t101500z-1a2b3c4d]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils import _compose, _readiness, _verbs
from ansible_collections.berth.server.plugins.module_utils._docker import ONE_OFF_LABEL, Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._secrets import masked

SPEC: dict[str, t.Any] = {
    "app": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str", "required": True},
    "service": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 120},
}


def restart(docker: Docker, container: t.Mapping[str, t.Any], timeout: float) -> None:
    """Restart a container and wait until it is ready; raise VerbError when it does not become so."""
    name = container["Name"].lstrip("/")
    docker("restart", container["Id"])

    def verdicts() -> dict[str, _readiness.Verdict]:
        found = docker.containers(f"id={container['Id']}")
        if not found:
            return {name: _readiness.Verdict("failed", "is gone")}
        return {name: _readiness.judge(found[0], _verbs.is_one_shot(found[0]))}

    for verdict in _readiness.wait_until_ready(verdicts, timeout).values():
        late = "did not become ready in time" if verdict.state == "waiting" else "failed"
        said = f"container {name} {late} ({timeout:g} s): {verdict.detail}\n{docker.last_lines(container['Id'], 20)}"
        # What it said last may hold what it was given.
        raise _verbs.VerbError(masked(said, [pair.partition("=")[2] for pair in container["Config"]["Env"] or ()]))


def run(docker: Docker, params: t.Mapping[str, t.Any], check_mode: bool) -> list[str]:
    """Restart what is to be restarted; return the names of the containers."""
    if params["service"]:
        _verbs.one_of("service", params["service"], params["services"], params["app"])
    filters = (f"label={_compose.APP_LABEL}={params['app']}", f"label={_compose.RELEASE_LABEL}={params['release']}")
    containers = {c["Id"]: c for c in docker.containers(*filters, f"label={ONE_OFF_LABEL}=False")}
    ids = _verbs.to_restart(list(containers.values()), params["app"], params["services"], params["service"])
    for found in ids if not check_mode else ():
        restart(docker, containers[found], params["timeout"])
    return [containers[found]["Name"].lstrip("/") for found in ids]


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    docker = Docker(lambda argv: module.run_command(argv, handle_exceptions=False))
    try:
        names = run(docker, module.params, module.check_mode)
    except (_verbs.VerbError, DockerError, OSError) as error:
        module.fail_json(msg=f"app {module.params['app']}: {error}")
    module.exit_json(changed=bool(names), containers=names)


if __name__ == "__main__":
    main()
