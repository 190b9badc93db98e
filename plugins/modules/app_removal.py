#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_removal
short_description: Remove an app from the server
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Removes the app's route, then the units of its jobs, its containers and Redis instances, its networks, images and
    directories. Traefik and Postgres leave its networks while they run.
  - Its data, which is databases, volumes and what its Redis instances keep, stays, is archived and then deleted, or is
    deleted, as O(data) says. Nothing is deleted before the whole archive is written and each dump could be read.
  - A removal that broke off is gone on with by running it again.
requirements:
  - docker and its compose plugin (2.20 or newer) on the server
  - nsenter and curl on the server, tar for archives
attributes:
  check_mode:
    support: full
    description: Returns what would be done.
  diff_mode:
    support: full
    description: Lists what is removed.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  data:
    description: What happens to its data. V(archive) puts it into C(archive/<app>/<time>/) below O(root).
    type: str
    choices: [keep, archive, delete]
    default: keep
  databases:
    description: Names of its databases, each owned by the role of the same name.
    type: list
    elements: str
    default: []
  redis:
    description: Names of its uses of Redis.
    type: list
    elements: str
    default: []
  others:
    description: Names of other apps, whose images may begin with this app's name.
    type: list
    elements: str
    default: []
  used_databases:
    description: Databases that others use, as C(instance/name), which stay as they are.
    type: list
    elements: str
    default: []
  used_names:
    description: Networks, and containers of Redis instances, that others use and that stay as they are.
    type: list
    elements: str
    default: []
  root:
    description: Directory of everything of berth's on the server.
    type: path
    default: /srv/berth
  traefik_container:
    description: Name of Traefik's container.
    type: str
    default: traefik
  timeout:
    description: Seconds that containers may take to end.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Remove the app and archive its data
  berth.server.app_removal:
    app: web
    data: archive
    databases: [web]
    redis: [queue]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done.
  returned: always
  type: list
  elements: str
kept:
  description: Data that stays.
  returned: always
  type: list
  elements: str
archive:
  description: Directory of the archive, empty without one.
  returned: always
  type: str
"""

import subprocess
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils._app_schema import NAME, NAME_WORDS
from ansible_collections.berth.server.plugins.module_utils._archive import ArchiveError
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError
from ansible_collections.berth.server.plugins.module_utils._removal import Request
from ansible_collections.berth.server.plugins.module_utils._removal_runner import Places, RemovalError, RemovalRunner
from ansible_collections.berth.server.plugins.module_utils._stack import describe_actions
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError

NAMES: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
SPEC: dict[str, t.Any] = {
    "app": {"type": "str", "required": True},
    "data": {"type": "str", "choices": ["keep", "archive", "delete"], "default": "keep"},
    "databases": NAMES,
    "redis": NAMES,
    "others": NAMES,
    "used_databases": NAMES,
    "used_names": NAMES,
    "root": {"type": "path", "default": "/srv/berth"},
    "traefik_container": {"type": "str", "default": "traefik"},
    "timeout": {"type": "int", "default": 30},
}


def stream(argv: list[str], source: str, target: str) -> tuple[int, str]:
    """Run a command between files, of which either may be empty; its output never passes through memory."""
    with open(source or "/dev/null", "rb") as stdin, open(target or "/dev/null", "wb") as stdout:
        done = subprocess.run(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def request(params: t.Mapping[str, t.Any]) -> Request:
    """Return what is asked for."""
    return Request(
        app=params["app"],
        data=params["data"],
        databases=params["databases"],
        redis=params["redis"],
        others=params["others"],
        used_databases=params["used_databases"],
        used_names=params["used_names"],
    )


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look, plan and act."""

    def run_command(argv: list[str]) -> tuple[int, str, str]:
        return module.run_command(argv, handle_exceptions=False)

    params = module.params
    docker = Docker(run_command)
    if not docker.is_there():
        raise DockerError("No Docker engine answers on this server: start docker.service.")
    places = Places(root=params["root"], traefik=params["traefik_container"], timeout=params["timeout"])
    runner = RemovalRunner(docker, run_command, stream, request(params), places)
    if not module.check_mode:
        runner.apply()
    return {
        "changed": bool(runner.actions),
        "actions": [str(action) for action in runner.actions],
        "kept": runner.kept,
        "archive": runner.archived,
        "diff": [describe_actions(f"app {params['app']}", map(str, runner.actions))] if runner.actions else [],
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if not NAME.match(module.params["app"]):
        module.fail_json(msg=f"app: found {module.params['app']!r}, expected {NAME_WORDS}")
    try:
        result = run(module)
    except (RemovalError, ArchiveError, ReleaseError, TraefikError, DockerError, OSError, ValueError) as error:
        module.fail_json(msg=f"app {module.params['app']}: {error} Run the same command again to go on.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
