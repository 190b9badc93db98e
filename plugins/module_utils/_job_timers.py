# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the timers of apps' jobs true. It starts timers, never a job: what was missed before is not made up for."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _calendar, _files, _jobs
from ansible_collections.berth.server.plugins.module_utils._docker import Run

UNITS = "/etc/systemd/system"
# Where systemd keeps when a persistent timer ran last, as the time of an empty file.
STAMPS = "/var/lib/systemd/timers"
PROPERTIES = "Id,ActiveState,UnitFileState,NeedDaemonReload"


class JobError(Exception):
    """The timers cannot be made what the app files ask for."""


class JobTimers:
    """Plans and makes true the timers of these apps; those of others are nobody's business here."""

    def __init__(
        self,
        run: Run,
        apps: t.Sequence[t.Mapping[str, t.Any]],
        root: str,
        directory: str = UNITS,
        stamps: str = STAMPS,
    ) -> None:
        self._run = run
        self._apps = {app["name"] for app in apps}
        self._jobs = _jobs.jobs_of(apps)
        self._directory = directory
        self._stamps = stamps
        self._files = [
            _files.File(name, content) for job in self._jobs for name, content in _jobs.units(job, root).items()
        ]
        self.actions: list[_jobs.Action] = []
        self.differences: list[dict[str, str]] = []

    def plan(self) -> None:
        """Look and decide; raise JobError when systemd knows a new schedule to be wrong."""
        found = {file.path: _files.read_file(self._path(file.path)) for file in self._files}
        changed = [file for file in self._files if _files.differs(file, found[file.path])]
        reasons = {file.path: "differs" if found[file.path] else "is not there" for file in changed}
        on_disk = self._units_on_disk()
        self.actions = _jobs.plan(self._jobs, reasons, on_disk, self._states(on_disk))
        self.differences = [_files.describe_difference(self._directory, f, found[f.path]) for f in changed]
        self._check([job for job in self._jobs if f"{job.unit}.timer" in reasons])

    def apply(self) -> None:
        """Carry out the plan."""
        done: dict[str, list[str]] = {}
        for action in self.actions:
            done.setdefault(action.kind, []).append(action.unit)
        removed, started = done.get("remove", []), done.get("start", [])
        # A timer that runs would take up its new schedule on reload, and run the job if that was due before now.
        stopped = [name for name in started if os.path.lexists(self._path(name))]
        if stopped:
            self._systemctl("stop", *stopped)
        if removed:
            timers, services = [f"{u}.timer" for u in removed], [f"{u}.service" for u in removed]
            with contextlib.suppress(JobError):  # one of the two files may be gone already
                self._systemctl("disable", "--now", *timers)
            with contextlib.suppress(JobError):
                self._systemctl("stop", *services)
            with contextlib.suppress(JobError):
                self._systemctl("reset-failed", *services)
            for path in [self._path(n) for n in timers + services] + [self._stamp(n) for n in timers]:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        transaction = _files.FileTransaction(self._directory)
        for file in self._files:
            if file.path in done.get("write", []):
                transaction.write(file)
        self._systemctl("daemon-reload")
        if "enable" in done:
            self._systemctl("enable", "--quiet", *done["enable"])
        for timer in started:
            _files.write_atomically(self._stamp(timer), "")
        if started:
            self._systemctl("start", *started)

    def _units_on_disk(self) -> set[str]:
        """Return the units of these apps' jobs that are there."""
        units = set()
        for name in os.listdir(self._directory) if os.path.isdir(self._directory) else ():
            unit, suffix = os.path.splitext(name)
            if name.startswith("berth-") and suffix in (".service", ".timer"):
                found = _files.read_file(self._path(name))
                lines = found.content.splitlines() if found else []
                ours = any(f"App={app}" in lines for app in self._apps)
                if _jobs.MARK in lines and ours:
                    units.add(unit)
        return units

    def _states(self, units: t.Collection[str]) -> dict[str, dict[str, str]]:
        wanted = [f"{job.unit}.{kind}" for job in self._jobs for kind in ("timer", "service") if job.unit in units]
        if not wanted:
            return {}
        blocks = self._systemctl("show", f"--property={PROPERTIES}", *wanted).split("\n\n")
        states = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        return {state["Id"]: state for state in states if "Id" in state}

    def _check(self, jobs: t.Iterable[_jobs.Job]) -> None:
        """Ask systemd about schedules: it knows time zones, and dates that never come."""
        problems = []
        for job in jobs:
            try:
                code, out, err = self._run(["systemd-analyze", "calendar", job.schedule])
            except OSError:
                return  # not on this server; the timer's start tells
            if code != 0 or "Next elapse: never" in out:
                said = "a time that never comes" if code == 0 else err.strip()
                key = f"jobs.{job.name}.schedule"
                expected = f"{_calendar.WORDS} (systemd: {said})"
                problems.append(f"app {job.app}: {key}: found {job.schedule!r}, expected {expected}")
        if problems:
            raise JobError("\n".join(problems))

    def _systemctl(self, *arguments: str) -> str:
        code, out, err = self._run(["systemctl", *arguments])
        if code != 0:
            raise JobError(f"systemctl {' '.join(arguments)} failed ({code}): {(err or out).strip()[-2000:]}")
        return out

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _stamp(self, timer: str) -> str:
        return os.path.join(self._stamps, f"stamp-{timer}")
