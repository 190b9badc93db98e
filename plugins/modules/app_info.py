#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_info
short_description: Tell what an app has on the server
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Returns the release of an app that serves, with its services, jobs and containers, from what is on the server alone.
  - Fails where the app, the service or the job is not there, and names those that are.
requirements:
  - docker and PyYAML on the server
attributes:
  check_mode:
    support: full
    description: It only looks.
  diff_mode:
    support: none
    description: It changes nothing.
options:
  app:
    description: Name of the app.
    type: str
    required: true
  root:
    description: Directory of all apps on the server.
    type: path
    default: /srv/berth/apps
  service:
    description: A service that there must be. An empty name stands for the only one.
    type: str
  job:
    description: A job that there must be.
    type: str
  running:
    description: Whether O(service) must have a running container.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Find the container of a service
  berth.server.app_info:
    app: shop
    service: web
    running: true
  register: shop
"""

RETURN = r"""
app:
  description: Name of the app.
  returned: success
  type: str
  sample: shop
release:
  description: The release that serves.
  returned: success
  type: str
  sample: 20261120t101500z-1a2b3c4d
version:
  description: Its version.
  returned: success
  type: str
  sample: "1.4.2"
directory:
  description: Its directory.
  returned: success
  type: str
  sample: /srv/berth/apps/shop/releases/20261120t101500z-1a2b3c4d
services:
  description: Its services.
  returned: success
  type: list
  elements: str
  sample: [web, worker]
jobs:
  description: Job -> its systemd service.
  returned: success
  type: dict
  sample: {cleanup: berth-shop-cleanup.service}
service:
  description: The service that was asked for.
  returned: when O(service)
  type: str
  sample: web
containers:
  description: Containers of its services, each with C(name), C(service) and C(state).
  returned: success
  type: list
  elements: dict
  sample: [{name: shop-web-20261120t101500z-1a2b3c4d, service: web, state: running}]
container:
  description: The running container of O(service).
  returned: when O(running)
  type: str
  sample: shop-web-20261120t101500z-1a2b3c4d
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils import _compose, _names, _verbs
from ansible_collections.berth.server.plugins.module_utils._docker import ONE_OFF_LABEL, Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._files import read_file
from ansible_collections.berth.server.plugins.module_utils._release_store import ReleaseStore
from ansible_collections.berth.server.plugins.module_utils._yaml import from_yaml

SPEC: dict[str, t.Any] = {
    "app": {"type": "str", "required": True},
    "root": {"type": "path", "default": "/srv/berth/apps"},
    "service": {"type": "str"},
    "job": {"type": "str"},
    "running": {"type": "bool", "default": False},
}


def look(docker: Docker, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what there is of the app; raise VerbError where something that was asked for is not."""
    root = params["root"]
    names = os.listdir(root) if os.path.isdir(root) else []
    deployed = {name: record for name in names if (record := ReleaseStore(root, name).current())}
    app = _verbs.one_of("app", params["app"], deployed)
    record = deployed[app]
    directory = ReleaseStore(root, app).release_directory(record.id)
    file = read_file(os.path.join(directory, "compose.yml"))
    jobs = _verbs.jobs_of(from_yaml(file.content) if file else {})
    services = list(record.images)
    service = params["service"]
    if service is not None:
        service = (
            services[0] if not service and len(services) == 1 else _verbs.one_of("service", service, services, app)
        )
    if params["job"]:
        _verbs.one_of("job", params["job"], jobs, app)
    filters = (f"label={_compose.APP_LABEL}={app}", f"label={_compose.RELEASE_LABEL}={record.id}")
    containers = [
        {
            "name": c["Name"].lstrip("/"),
            "service": c["Config"]["Labels"][_compose.SERVICE_LABEL],
            "state": c["State"]["Status"],
        }
        for c in docker.containers(*filters, f"label={ONE_OFF_LABEL}=False")
    ]
    found = {
        "app": app,
        "release": record.id,
        "version": record.version,
        "directory": directory,
        "services": services,
        "jobs": {job: f"{_names.job_unit(app, job)}.service" for job in jobs},
        "service": service,
        "containers": containers,
    }
    if params["running"]:
        found["container"] = _verbs.running(containers, app, found["service"])
    return found


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    docker = Docker(lambda argv: module.run_command(argv, handle_exceptions=False))
    try:
        found = look(docker, module.params)
    except (_verbs.VerbError, DockerError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
