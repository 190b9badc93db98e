#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Make the wanted release of each app serve
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Compares each app with the release that serves. Where services, environment and images are the same, what is
    missing or stopped is repaired. Where they differ, a new release is made beside the old one, and the old one is
    stopped once Traefik sends requests to the new one.
  - Each job gets a systemd timer and service, C(berth-<app>-<job>), which run it in the release that serves. Units that
    were edited, stopped or disabled are repaired, those of jobs that are gone are removed. No job is run by that.
  - A release that does not start is removed again, and the old one serves on.
  - Images are built from sources that are on the server already, and files of the source are mounted from there;
    RV(apps) tells which are not there yet, and M(berth.server.source_archive) helps to bring them.
requirements:
  - docker and its compose plugin (2.20 or newer) on the server
  - PyYAML, nsenter and curl on the server
attributes:
  check_mode:
    support: full
    description:
      - Returns what would be done. A release whose image is not on the server yet counts as new, and for a deploy that
        is asked for it says which images would be pulled, not what they would bring.
  diff_mode:
    support: full
    description: Shows what happens to each app and, for repairs, the files. Environment is never shown.
options:
  apps:
    description: The apps, as M(berth.server.preflight) returns them, without C(environment).
    type: list
    elements: dict
    required: true
  sensitive:
    description:
      - JSON text of app -> service -> its C(file), C(literal) and C(compose) variables, of which later ones win, and
        its C(files). It is text so that Ansible hides it as a whole.
    type: str
    default: "{}"
  deploy:
    description:
      - Name of app -> version, for apps that are to be deployed although nothing of theirs in the inventory changed.
        Their images are pulled, so that a tag that has moved is taken up.
      - The version counts where the app file has none; it may be empty.
    type: dict
    default: {}
  root:
    description: Directory of all apps on the server.
    type: path
    default: /srv/berth/apps
  traefik_dynamic:
    description: Directory of Traefik's dynamic configuration.
    type: path
    default: /srv/berth/traefik/dynamic
  traefik_container:
    description: Name of Traefik's container.
    type: str
    default: traefik
  entry_point:
    description: Traefik's entry point for routes.
    type: str
    default: websecure
  tls:
    description: The C(tls) mapping of every router, in Traefik's words.
    type: dict
    default: {}
  keep:
    description: How many releases that have served are kept, with their images.
    type: int
    default: 5
  timeout:
    description: Seconds until a new release must be ready.
    type: int
    default: 120
  all_apps:
    description: Whether O(apps) are all apps that there are to be, so that others on the server are warned of.
    type: bool
    default: true
  by:
    description: Who asks, for the record.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Make the releases serve
  berth.server.release:
    apps: "{{ apps }}"
    sensitive: "{{ environments | to_json }}"
    by: operator@workstation
"""

RETURN = r"""
apps:
  description: What happened, or in check mode would happen, to each app.
  returned: always
  type: dict
  sample:
    featuremodels:
      changed: true
      actions: ["deploy featuremodels: its services, environment or images changed"]
      release: 20261120t101500z-1a2b3c4d
      missing_sources:
        - {context: /home/me/featuremodels/backend, directory: /srv/berth/apps/featuremodels/source/0f1e, below: ""}
jobs:
  description: What happened, or in check mode would happen, to the timers of jobs.
  returned: always
  type: dict
  sample: {changed: true, actions: ["start berth-shop-cleanup.timer: is inactive"]}
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.berth.server.plugins.module_utils._compose import APP_LABEL
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._job_timers import JobError, JobTimers
from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError, Settings
from ansible_collections.berth.server.plugins.module_utils._release_runner import ReleaseRunner
from ansible_collections.berth.server.plugins.module_utils._stack import describe_actions
from ansible_collections.berth.server.plugins.module_utils._stack_runner import StackError
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Look
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError
from ansible_collections.berth.server.plugins.module_utils._yaml import HAS_YAML

SPEC: dict[str, t.Any] = {
    "apps": {"type": "list", "elements": "dict", "required": True},
    "sensitive": {"type": "str", "default": "{}", "no_log": True},
    "deploy": {"type": "dict", "default": {}},
    "root": {"type": "path", "default": "/srv/berth/apps"},
    "traefik_dynamic": {"type": "path", "default": "/srv/berth/traefik/dynamic"},
    "traefik_container": {"type": "str", "default": "traefik"},
    "entry_point": {"type": "str", "default": "websecure"},
    "tls": {"type": "dict", "default": {}},
    "keep": {"type": "int", "default": 5},
    "timeout": {"type": "int", "default": 120},
    "all_apps": {"type": "bool", "default": True},
    "by": {"type": "str", "default": ""},
}


def settings(params: t.Mapping[str, t.Any]) -> Settings:
    """Return what all apps share."""
    return Settings(
        root=params["root"],
        dynamic=params["traefik_dynamic"],
        traefik=params["traefik_container"],
        entry_point=params["entry_point"],
        tls=params["tls"],
        keep=params["keep"],
        timeout=params["timeout"],
        by=params["by"],
    )


def without_file(look: Look, apps: t.Collection[str]) -> list[str]:
    """Return the apps that have containers on the server and are not among these."""
    labels = (c["Config"]["Labels"] for containers in look.containers.values() for c in containers)
    return sorted({label[APP_LABEL] for label in labels if APP_LABEL in label} - set(apps))


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look once, then plan and act app by app."""
    sensitive = json.loads(module.params["sensitive"])

    def run_command(argv: list[str]) -> tuple[int, str, str]:
        return module.run_command(argv, handle_exceptions=False)

    docker = Docker(run_command)
    shared = settings(module.params)
    asked = module.params["deploy"]
    runners = {
        app["name"]: ReleaseRunner(
            docker, run_command, app, sensitive.get(app["name"], {}), shared, asked.get(app["name"])
        )
        for app in module.params["apps"]
    }
    if not module.check_mode:
        for runner in runners.values():
            runner.pull()
    references = [image for runner in runners.values() for image in runner.image_references]
    look = Look.at(docker, references, may_be_bare=module.check_mode)
    if module.params["all_apps"]:
        for name in without_file(look, runners):
            module.warn(
                f"App {name} has containers here, but no file: it runs on as it is. Put its file back, or remove it "
                f"with the playbook remove_app.yml -e app={name}."
            )
    timers = JobTimers(run_command, module.params["apps"], shared.root)
    timers.plan()  # before anything is done, since it refuses schedules
    result: dict[str, t.Any] = {"changed": bool(timers.actions), "apps": {}, "diff": []}
    for name, runner in runners.items():
        runner.plan(look)
        actions = runner.actions
        if module.check_mode and not actions and runner.pulled:
            actions = [f"pull {', '.join(runner.pulled)}, and deploy {name} if that brings something new"]
        changed = bool(actions)
        result["changed"] |= changed
        result["diff"] += runner.differences
        if changed:
            result["diff"].append(describe_actions(f"app {name}", actions))
        release = runner.current.id if runner.current else None
        missing = runner.missing_sources
        if changed and not module.check_mode:
            release = runner.apply().id
        result["apps"][name] = {
            "changed": changed,
            "actions": actions,
            "release": release,
            "missing_sources": missing,
        }
    result["jobs"] = {"changed": bool(timers.actions), "actions": [str(action) for action in timers.actions]}
    if timers.actions:
        result["diff"] += [*timers.differences, describe_actions("jobs", timers.actions)]
        if not module.check_mode:
            timers.apply()
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if not HAS_YAML and not module.check_mode:
        module.fail_json(msg=missing_required_lib("PyYAML") + " The docker role installs it.")
    try:
        result = run(module)
    except (ReleaseError, JobError, StackError, TraefikError, DockerError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
