# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers are planned from tables, and made on a systemd in memory."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _jobs
from ansible_collections.berth.server.plugins.module_utils._job_timers import JobError, JobTimers

from tests.unit.plugins.builders import resolved_app

JOB = {"service": "web", "command": ["clean"], "schedule": "03:15", "timeout": 3600.0}
UNIT = "berth-shop-cleanup"
FINE = {"UnitFileState": "enabled", "ActiveState": "active", "NeedDaemonReload": "no"}


# what differs, what is on disk, the timer's state -> the kinds of actions and their units
PLANS: dict[str, tuple[dict[str, str], set[str], dict[str, str], list[str]]] = {
    "nothing there": (
        {f"{UNIT}.service": "is not there", f"{UNIT}.timer": "is not there"},
        set(),
        {},
        ["write .service", "write .timer", "enable .timer", "start .timer"],
    ),
    "as wanted": ({}, {UNIT}, FINE, []),
    "edited service": ({f"{UNIT}.service": "differs"}, {UNIT}, FINE, ["write .service"]),
    "edited timer": ({f"{UNIT}.timer": "differs"}, {UNIT}, FINE, ["write .timer", "start .timer"]),
    "stopped timer": ({}, {UNIT}, {**FINE, "ActiveState": "inactive"}, ["start .timer"]),
    "disabled timer": ({}, {UNIT}, {**FINE, "UnitFileState": "disabled"}, ["enable .timer"]),
    "not read yet": ({}, {UNIT}, {**FINE, "NeedDaemonReload": "yes"}, ["reload .timer"]),
}


@pytest.mark.parametrize(("reasons", "found", "state", "expected"), PLANS.values(), ids=PLANS.keys())
def test_plan(reasons: dict[str, str], found: set[str], state: dict[str, str], expected: list[str]) -> None:
    jobs = [_jobs.Job("shop", "cleanup", "03:15", 60.0, 30.0)]
    actions = _jobs.plan(jobs, reasons, found, {f"{UNIT}.timer": state} if state else {})
    assert [f"{a.kind} {a.unit.removeprefix(UNIT)}" for a in actions] == expected


def test_plan_removes_what_no_app_has() -> None:
    actions = _jobs.plan([], {}, {"berth-gone-x", "berth-also-y"}, {})
    assert [str(a) for a in actions] == [
        "remove berth-also-y: no app has this job",
        "remove berth-gone-x: no app has this job",
    ]


class Systemd:
    """A systemd in memory with a directory of units, which knows of a unit's file only what it has read."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.units = directory / "units"
        self.stamps = directory / "stamps"
        self.units.mkdir()
        self.read: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.active: set[str] = set()
        self.commands: list[str] = []
        self.refused = ""
        self.never = False

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        if argv[0] == "systemd-analyze":
            if argv[2] == self.refused:
                return 1, "", "Failed to parse calendar specification\n"
            return 0, "Next elapse: never\n" if self.never else "Next elapse: Sat 2026-11-21 03:15:00 UTC\n", ""
        if argv[1] == "show":
            return 0, "\n\n".join(self._show(name) for name in argv[3:]) + "\n", ""
        self.commands.append(" ".join(argv[1:]))
        names = set(argv[2:])
        if argv[1] == "daemon-reload":
            self.read = self._disk()
        elif argv[1] == "enable":
            self.enabled |= names - {"--quiet"}
        elif argv[1] == "disable":
            self.enabled -= names
            self.active -= names
        elif argv[1] == "stop":
            self.active -= names
        elif argv[1] == "start":
            unknown = names - self.read.keys()
            if unknown:
                return 5, "", f"Unit {unknown} not found."
            self.active |= names
        return 0, "", ""

    def _disk(self) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in self.units.iterdir()}

    def _show(self, name: str) -> str:
        stale = "yes" if self.read.get(name) != self._disk().get(name) else "no"
        enabled = "enabled" if name in self.enabled else "disabled"
        active = "active" if name in self.active else "inactive"
        return f"Id={name}\nActiveState={active}\nUnitFileState={enabled}\nNeedDaemonReload={stale}"

    def plan(self, jobs: dict[str, t.Any] | None = None, **options: t.Any) -> JobTimers:
        self.commands.clear()
        apps = [] if jobs is None else [resolved_app(jobs=jobs, **options)]
        timers = JobTimers(self.run, apps, "/srv/apps", directory=str(self.units), stamps=str(self.stamps))
        timers.plan()
        return timers

    def told(self, jobs: dict[str, t.Any] | None = None, **options: t.Any) -> list[str]:
        """Make it true and see that nothing is left to do; return what was planned."""
        timers = self.plan(jobs, **options)
        if timers.actions:
            timers.apply()
        commands = list(self.commands)
        assert self.plan(jobs, **options).actions == []
        self.commands = commands
        return [str(action) for action in timers.actions]


@pytest.fixture
def systemd(tmp_path: pathlib.Path) -> Systemd:
    return Systemd(tmp_path)


def test_timer_is_made_and_no_job_is_run(systemd: Systemd) -> None:
    systemd.told({"cleanup": JOB})
    assert systemd.commands == ["daemon-reload", f"enable --quiet {UNIT}.timer", f"start {UNIT}.timer"]
    assert systemd.active == {f"{UNIT}.timer"}
    assert (systemd.stamps / f"stamp-{UNIT}.timer").exists()
    service = (systemd.units / f"{UNIT}.service").read_text(encoding="utf-8")
    assert "WorkingDirectory=/srv/apps/shop/current\n" in service
    assert "TimeoutStartSec=3600\n" in service


def test_new_schedule_stops_the_timer_before_systemd_reads_it(systemd: Systemd) -> None:
    """Otherwise a reload would run the job at once, were it due by its new schedule."""
    systemd.told({"cleanup": JOB})
    planned = systemd.plan({"cleanup": {**JOB, "schedule": "04:15"}})
    assert "OnCalendar=04:15" in planned.differences[0]["after"]
    planned.apply()
    assert systemd.commands == [f"stop {UNIT}.timer", "daemon-reload", f"start {UNIT}.timer"]


def test_drift_is_repaired(systemd: Systemd) -> None:
    systemd.told({"cleanup": JOB})
    systemd.active.clear()
    assert systemd.told({"cleanup": JOB}) == [f"start {UNIT}.timer: is inactive"]
    systemd.enabled.clear()
    assert systemd.told({"cleanup": JOB}) == [f"enable {UNIT}.timer: is disabled"]
    (systemd.units / f"{UNIT}.service").write_text("[Service]\n", encoding="utf-8")
    assert systemd.told({"cleanup": JOB}) == [f"write {UNIT}.service: differs"]
    systemd.read[f"{UNIT}.service"] = "as it was before a run that died"
    assert systemd.told({"cleanup": JOB}) == [f"reload {UNIT}.service: systemd has not read its file yet"]


def test_gone_job_leaves_nothing(systemd: Systemd) -> None:
    (systemd.units / "berth-other.service").write_text("[Service]\n", encoding="utf-8")
    systemd.told({"cleanup": JOB, "report": JOB})
    assert systemd.told({"report": JOB}) == [f"remove {UNIT}: no app has this job"]
    assert systemd.told({}) == ["remove berth-shop-report: no app has this job"]
    assert [path.name for path in systemd.units.iterdir()] == ["berth-other.service"]
    assert list(systemd.stamps.iterdir()) == []
    assert (systemd.enabled, systemd.active) == (set(), set())


def test_other_apps_are_left_alone(systemd: Systemd) -> None:
    systemd.told({"cleanup": JOB})
    assert systemd.plan({}, name="blog").actions == []


@pytest.mark.parametrize(("never", "said"), [(False, "Failed to parse"), (True, "a time that never comes")])
def test_schedule_that_systemd_refuses_changes_nothing(systemd: Systemd, never: bool, said: str) -> None:
    systemd.never, systemd.refused = never, "" if never else "03:15"
    with pytest.raises(JobError, match=rf"app shop: jobs.cleanup.schedule: found '03:15', expected .*{said}"):
        systemd.plan({"cleanup": JOB})
    assert list(systemd.units.iterdir()) == []


def test_failing_systemctl_is_an_error(systemd: Systemd) -> None:
    def run(argv: list[str]) -> tuple[int, str, str]:
        if argv[0] == "systemd-analyze":
            raise FileNotFoundError
        return 1, "", "no bus"

    timers = JobTimers(run, [resolved_app(jobs={"cleanup": JOB})], "/srv", directory=str(systemd.units))
    timers.plan()
    with pytest.raises(JobError, match=r"systemctl daemon-reload failed \(1\): no bus"):
        timers.apply()
