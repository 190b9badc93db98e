# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schema cannot say about what runs once with what a service has: the release command and jobs."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils import _app_schema as schema
from ansible_collections.berth.server.plugins.module_utils import _calendar, _names
from ansible_collections.berth.server.plugins.module_utils._app_checks import check_services
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose import RELEASE_COMMAND, unknown_variables
from ansible_collections.berth.server.plugins.module_utils._environment_checks import (
    VARIABLES_WORDS,
    check_env,
    shown,
)
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping


def check_commands(app: str, file: t.Mapping[str, t.Any], reading: Reading, problems: Problems) -> None:
    """Check an app's release command and jobs, and that no service has the name of what runs once."""
    services = file["services"] or {}
    if file["release_command"]:
        _check_command(app, "release_command", file["release_command"], services, reading, problems)
        named = file["release_command"]["service"]
        for name in ("network_mode", "pid", "ipc"):
            if mapping(services.get(named)).get(name):
                expected = f"a service without {name}; the command runs before any other service is there"
                problems.add(app, "release_command.service", named, expected)
    for name, job in file["jobs"].items():
        _check_job(app, name, job, services, reading, problems)
    taken = {RELEASE_COMMAND, *map(_names.job_service, file["jobs"]), *map(_names.run_service, map(str, services))}
    for service in services:
        if service in taken:
            expected = "another name; berth runs a release's commands and jobs under this one"
            problems.add(app, f"services.{service}", service, expected)


def _check_job(
    app: str,
    name: str,
    job: t.Mapping[str, t.Any],
    services: t.Collection[str],
    reading: Reading,
    problems: Problems,
) -> None:
    key = f"jobs.{name}"
    if not schema.NAME.match(name):
        problems.add(app, key, name, schema.NAME_WORDS)
    _check_command(app, key, job, services, reading, problems)
    if job["schedule"] is not None and not _calendar.is_calendar(job["schedule"]):
        problems.add(app, f"{key}.schedule", job["schedule"], _calendar.WORDS)
    check_env(app, f"{key}.environment", job["environment"], problems)
    if unknown_variables(job["environment"], ["VERSION"]):
        problems.add(app, f"{key}.environment", "a variable", VARIABLES_WORDS)


def _check_command(
    app: str,
    key: str,
    command: t.Mapping[str, t.Any],
    services: t.Collection[str],
    reading: Reading,
    problems: Problems,
) -> None:
    check_services(app, f"{key}.service", [command["service"]], services, reading, problems)
    if command["command"] == []:
        problems.add(app, f"{key}.command", [], "a command")
    for name in sorted(unknown_variables(command["command"], ["VERSION"])):
        problems.add(app, f"{key}.command", shown(name), VARIABLES_WORDS)
