# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's jobs as systemd units, and what must be done to have exactly the wanted ones: pure, without systemd."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _compose, _names

# Tells a job's units from others of berth's; systemd ignores sections that start with X-.
MARK = "[X-Berth-Job]"
# Jobs of one moment start within these seconds of each other, not all at once.
SPREAD = 10

ActionKind = t.Literal["write", "remove", "reload", "enable", "start"]
States = t.Mapping[str, t.Mapping[str, str]]


@dataclasses.dataclass(frozen=True)
class Job:
    """A job as wanted. ``timeout`` and ``grace``: seconds that it may run, and may take to end after SIGTERM."""

    app: str
    name: str
    schedule: str
    timeout: float
    grace: float

    @property
    def unit(self) -> str:
        """Return the name of its units without their suffix, which its container has too."""
        return _names.job_unit(self.app, self.name)


@dataclasses.dataclass(frozen=True)
class Action:
    """One thing to do with a unit; ``unit`` has no suffix for ``remove``, which means timer and service."""

    kind: ActionKind
    unit: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.unit}: {self.reason}"


def jobs_of(apps: t.Iterable[t.Mapping[str, t.Any]]) -> list[Job]:
    """Return the jobs of resolved apps."""
    return [
        Job(app["name"], name, options["schedule"], options["timeout"], app["drain"])
        for app in apps
        for name, options in app["jobs"].items()
    ]


def units(job: Job, root: str) -> dict[str, str]:
    """Return file name -> content of a job's service and timer. ``root``: the directory of all apps.

    The service knows no release: it runs in ``current``, which systemd resolves when it starts. A container that a
    crash left behind goes first, since its name keeps the job from running twice. The container logs to the journal
    by itself, under the unit's name, whether or not anybody waits for it.
    """
    once = _names.job_service(job.name)
    describe = f"Description=Job {job.name} of app {job.app}"
    mark = f"{MARK}\nApp={job.app}\nJob={job.name}\n"
    compose = "/usr/bin/docker compose --env-file /dev/null --file compose.yml --file environment.yml --progress quiet"
    remove = f"/bin/sh -c '/usr/bin/docker rm --force {job.unit} >/dev/null 2>&1 || true'"
    service = f"""\
# Written by berth for jobs in an app's file; a run writes it anew.
[Unit]
{describe}
Wants=docker.service
After=docker.service

{mark}
[Service]
Type=oneshot
WorkingDirectory={root}/{job.app}/current
ExecStartPre={remove}
ExecStart={compose} run --detach --no-deps --name {job.unit} {once}
ExecStart=/bin/sh -c 'exit "$$(/usr/bin/docker wait {job.unit})"'
ExecStopPost=/bin/sh -c '/usr/bin/docker stop --time {job.grace:.0f} {job.unit} >/dev/null 2>&1 || true'
ExecStopPost={remove}
TimeoutStartSec={job.timeout:g}
TimeoutStopSec={job.grace + 30:.0f}
StandardOutput=null
SyslogIdentifier={_compose.log_tag(job.app, once)}
"""
    timer = f"""\
# Written by berth for jobs in an app's file; a run writes it anew.
[Unit]
{describe}

{mark}
[Timer]
OnCalendar={job.schedule}
Persistent=true
AccuracySec=1s
RandomizedDelaySec={SPREAD}

[Install]
WantedBy=timers.target
"""
    return {f"{job.unit}.service": service, f"{job.unit}.timer": timer}


def plan(jobs: t.Sequence[Job], reasons: t.Mapping[str, str], found: t.Collection[str], states: States) -> list[Action]:
    """Return what to do. ``reasons``: file name -> why it must be written, of those that differ.

    ``found``: units of jobs on the server, without suffix. ``states``: unit with suffix -> ``systemctl show``.
    """
    wanted = {job.unit for job in jobs}
    actions = [Action("remove", unit, "no app has this job") for unit in sorted(set(found) - wanted)]
    for job in jobs:
        service, timer = f"{job.unit}.service", f"{job.unit}.timer"
        actions += [Action("write", file, reasons[file]) for file in (service, timer) if file in reasons]
        actions += [
            Action("reload", unit, "systemd has not read its file yet")
            for unit in (service, timer)
            if unit not in reasons and states.get(unit, {}).get("NeedDaemonReload") == "yes"
        ]
        state = states.get(timer, {})
        enabled = state.get("UnitFileState", "disabled")
        if enabled != "enabled":
            actions.append(Action("enable", timer, f"is {enabled or 'disabled'}"))
        active = state.get("ActiveState", "inactive")
        if active != "active":
            actions.append(Action("start", timer, f"is {active}"))
        elif timer in reasons:
            actions.append(Action("start", timer, "was changed"))
    return actions
