#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Make directories of configuration and the Compose projects that read them true
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Writes all files of each stack atomically, creates or recreates only the containers that differ, tells the readers
    of changed files, joins and leaves networks while containers run, and waits until every service is ready.
  - When a stack does not become ready in time, its previous files and containers are brought back and the task fails.
  - What differs is told by the label C(berth.config) on each container, a hash of the rendered service, its
    environment and its image's id. Compose's own hash is not used.
  - All stacks of a task are looked at together, so many stacks cost little more than one.
requirements:
  - docker and its compose plugin (2.20 or newer) on the server
  - PyYAML on the server
attributes:
  check_mode:
    support: full
    description: Returns what would change; an image that is not on the server yet makes its services be recreated.
  diff_mode:
    support: full
    description: Shows files, and what happens to each service. Environment and sensitive files are never shown.
options:
  stacks:
    description: The stacks, in the order in which they are made true.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Compose project.
        type: str
        required: true
      directory:
        description: Where the stack's files live. Created when missing.
        type: path
        required: true
      project:
        description:
          - The Compose project. Its networks are C(external), so that containers can join them while they run.
          - A service with C(build) needs an C(image) whose tag changes with the build's content; it is built when that
            tag is not on the server.
          - A service with C(restart) V(no) or V(on-failure) is meant to end; every other one is meant to run.
        type: dict
        required: true
      files:
        description: The files beside C(compose.yml).
        type: list
        elements: dict
        default: []
        suboptions: &file
          path:
            description: Path, relative to the stack's directory.
            type: str
            required: true
          content:
            description: The whole content.
            type: str
            required: true
          owner:
            description: Owner, by name or number.
            type: str
            default: "0"
          group:
            description: Group, by name or number.
            type: str
            default: "0"
          mode:
            description: Mode, as four octal digits.
            type: str
            default: "0644"
          readers:
            description: Which services are told of a change, and how. V(restart), or a signal's name like V(SIGHUP).
            type: dict
            default: {}
      sensitive:
        description:
          - JSON text with what must never be shown. C(environment) maps services to their variables' literal values,
            C(files) is a list like O(stacks[].files).
          - It is text so that Ansible hides it as a whole and not each short value wherever it appears.
        type: str
        default: "{}"
      directories:
        description: Directories that are to be there before the services start.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Path, relative to the stack's directory.
            type: str
            required: true
          owner:
            description: Owner, by name or number.
            type: str
            default: "0"
          group:
            description: Group, by name or number.
            type: str
            default: "0"
          mode:
            description: Mode, as four octal digits. Set when the directory is created.
            type: str
            default: "0755"
      restart:
        description: Services to restart for a reason that only the caller knows.
        type: list
        elements: str
        default: []
      checks:
        description:
          - Commands that judge the wanted files before they go live, when a file differs or the service needs a new
            container.
          - Each runs in a throwaway container of the service's image, without network, with those of its mounts whose
            source is in O(stacks[].directory) replaced by a copy that holds the wanted files, and no other mount.
          - When one fails, nothing is changed.
        type: list
        elements: dict
        default: []
        suboptions:
          service:
            description: The service whose image and mounts are used.
            type: str
            required: true
          command:
            description: The command; its first word is the entry point. Needed for O(stacks[].checks[].kind=command).
            type: list
            elements: str
            default: []
          kind:
            description:
              - V(command) is a command that is to end well.
              - V(traefik) is a Traefik with the directories C(static), C(dynamic) and C(certificates); it is to take up
                all of its files without an error.
            type: str
            choices: [command, traefik]
            default: command
      probes:
        description:
          - Commands that tell the settings a service runs with. What each says is noted after its service was told of
            files or got a new container. When it says something else later, somebody changed the running service, which
            is then restarted to read its files anew.
          - What a probe says is to follow from files and image alone. It is kept and never shown; a hash is best.
        type: list
        elements: dict
        default: []
        suboptions:
          service:
            description: The service in whose container it runs.
            type: str
            required: true
          command:
            description: The command; its first word is the program.
            type: list
            elements: str
            required: true
      timeout:
        description: Seconds until every service must be ready.
        type: int
        default: 120
"""

EXAMPLES = r"""
- name: Run a cache
  berth.server.stack:
    stacks:
      - name: cache
        directory: /srv/cache
        project:
          services:
            cache:
              image: redis:7-bookworm
              command: redis-server /etc/cache/redis.conf
              restart: unless-stopped
              volumes: ["/srv/cache/conf:/etc/cache:ro"]
        files:
          - path: conf/redis.conf
            content: "maxmemory 64mb\n"
            readers: {cache: restart}
"""

RETURN = r"""
stacks:
  description: What happened, or in check mode would happen, to each stack.
  returned: always
  type: dict
  sample:
    cache:
      changed: true
      services: {cache: restart}
      actions: ["restart cache: conf/redis.conf changed"]
      files: [conf/redis.conf]
"""

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._stack import describe_actions
from ansible_collections.berth.server.plugins.module_utils._stack_runner import StackError, StackRunner
from ansible_collections.berth.server.plugins.module_utils._stack_spec import (
    Check,
    Directory,
    Look,
    Probe,
    StackSpec,
    image_references,
)
from ansible_collections.berth.server.plugins.module_utils._yaml import HAS_YAML

FILE_OPTIONS: dict[str, t.Any] = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "0"},
    "group": {"type": "str", "default": "0"},
    "mode": {"type": "str", "default": "0644"},
    "readers": {"type": "dict", "default": {}},
}
COMMAND_OPTIONS: dict[str, t.Any] = {
    "service": {"type": "str", "required": True},
    "command": {"type": "list", "elements": "str", "required": True},
}
STACK_OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},
    "project": {"type": "dict", "required": True},
    "files": {"type": "list", "elements": "dict", "default": [], "options": FILE_OPTIONS},
    "sensitive": {"type": "str", "default": "{}", "no_log": True},
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "owner": {"type": "str", "default": "0"},
            "group": {"type": "str", "default": "0"},
            "mode": {"type": "str", "default": "0755"},
        },
    },
    "restart": {"type": "list", "elements": "str", "default": []},
    "checks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "service": {"type": "str", "required": True},
            "command": {"type": "list", "elements": "str", "default": []},
            "kind": {"type": "str", "choices": ["command", "traefik"], "default": "command"},
        },
    },
    "probes": {"type": "list", "elements": "dict", "default": [], "options": COMMAND_OPTIONS},
    "timeout": {"type": "int", "default": 120},
}


def to_file(options: t.Mapping[str, t.Any], sensitive: bool) -> File:
    """Turn a ``files`` entry into a File."""
    return File(
        path=options["path"],
        content=options["content"],
        owner=options.get("owner", "0"),
        group=options.get("group", "0"),
        mode=int(options.get("mode", "0600" if sensitive else "0644"), 8),
        sensitive=sensitive,
        readers=options.get("readers", {}),
    )


def to_spec(options: t.Mapping[str, t.Any]) -> StackSpec:
    """Turn a ``stacks`` entry into a StackSpec."""
    sensitive = json.loads(options["sensitive"])
    services = options["project"]["services"]
    for key in ("checks", "probes"):
        for service in (item["service"] for item in options[key]):
            if service not in services:
                expected = ", ".join(services)
                raise ValueError(f"stack {options['name']}: {key}: found service {service}, expected one of {expected}")
    return StackSpec(
        name=options["name"],
        directory=options["directory"],
        project=options["project"],
        files=[to_file(f, False) for f in options["files"]] + [to_file(f, True) for f in sensitive.get("files", [])],
        directories=[Directory(d["path"], d["owner"], d["group"], int(d["mode"], 8)) for d in options["directories"]],
        environment=sensitive.get("environment", {}),
        restart=options["restart"],
        checks=[Check(c["service"], c["command"], c["kind"]) for c in options["checks"]],
        probes=[Probe(p["service"], p["command"]) for p in options["probes"]],
        timeout=options["timeout"],
    )


def describe(runner: StackRunner) -> dict[str, t.Any]:
    """Return a stack's part of the result."""
    return {
        "changed": runner.changed,
        "services": runner.impact,
        "actions": [str(action) for action in runner.actions],
        "files": [file.path for file in runner.files],
    }


def differences(name: str, runner: StackRunner) -> list[dict[str, str]]:
    """Return the diff of a stack: its files, then what happens to its containers."""
    shown = list(runner.differences)
    if runner.actions:
        shown.append(describe_actions(f"{name} containers", runner.actions))
    return shown


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look once, then plan and act stack by stack."""
    specs = [to_spec(options) for options in module.params["stacks"]]
    docker = Docker(lambda argv: module.run_command(argv, handle_exceptions=False))
    references = [reference for spec in specs for reference in image_references(spec)]
    look = Look.at(docker, references, may_be_bare=module.check_mode)
    result: dict[str, t.Any] = {"changed": False, "stacks": {}, "diff": []}
    for spec in specs:
        runner = StackRunner(docker, spec, look)
        result["changed"] |= runner.changed
        result["stacks"][spec.name] = describe(runner)
        result["diff"] += differences(spec.name, runner)
        if runner.changed and not module.check_mode:
            runner.apply()
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={"stacks": {"type": "list", "elements": "dict", "required": True, "options": STACK_OPTIONS}},
        supports_check_mode=True,
    )
    if not HAS_YAML and not module.check_mode:
        module.fail_json(msg=missing_required_lib("PyYAML") + " The docker role installs it.")
    try:
        result = run(module)
    except (StackError, DockerError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
