"""Jobs run when and where they should; their units are what the app files say, whatever happened to them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.server import Server
from tests.apps.scenario import Apps, Playbook

UNIT = "berth-shop-cleanup"
CLEANUP = {"service": "web", "command": ["sh", "-c", "echo cleaned"], "schedule": "03:15"}


def said(server: Server, job: str, field: str = "MESSAGE") -> list[str]:
    """Return a field of what a job has said so far, oldest first, as `journalctl --unit` finds it."""
    unit = f"berth-shop-{job}.service"
    lines = server("journalctl", "--unit", unit, f"BERTH_SERVICE=job-{job}", "--output=json", "--quiet").splitlines()
    return [json.loads(line)[field] for line in lines]


def show(server: Server, unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in server("systemctl", "show", unit).splitlines() if "=" in line)


def wait(seconds: float, what: Any) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.5)


def test_second_run_and_check_mode_find_nothing_to_do(playbook: Playbook) -> None:
    assert playbook("molecule/app/converge.yml", "--check", "--diff").tasks == {}
    assert playbook("molecule/app/converge.yml").tasks == {}


def test_job_runs_at_its_time_in_the_release_that_serves(apps: Apps, server: Server) -> None:
    ran = len(said(server, "cleanup"))
    apps.change("shop", env={"NOTE": "a new release"}, jobs={"cleanup": {**CLEANUP, "schedule": "*:*:0/30"}})
    assert list(apps.run().tasks) == ["Make the releases serve"]
    wait(120, lambda: len(said(server, "cleanup")) > ran)
    assert said(server, "cleanup", "BERTH_RELEASE")[-1] == server.current("shop")
    assert said(server, "cleanup", "IMAGE_NAME")[-1] == f"berth/shop-web:{server.current('shop')}"
    triggered = show(server, f"{UNIT}.timer")["LastTriggerUSec"]
    second = datetime.strptime(triggered, "%a %Y-%m-%d %H:%M:%S UTC").second
    assert second % 30 <= 11, "systemd spreads starts over ten seconds"


def test_schedule_alone_makes_no_release_and_runs_nothing(apps: Apps, server: Server) -> None:
    """Even where the new schedule was due between the last run and now."""
    before, ran = server.containers(), said(server, "cleanup")
    server("touch", "-d", "'3 days ago'", f"/var/lib/systemd/timers/stamp-{UNIT}.timer")
    past = f"{datetime.now(UTC) - timedelta(minutes=10):%H:%M}"
    apps.change("shop", jobs={"cleanup": {**apps.file("shop")["jobs"]["cleanup"], "schedule": past}})
    code, text = apps.text("--check", "--diff")
    assert code == 0
    assert f"OnCalendar={past}" in text
    assert apps.run().tasks.keys() == {"Make the releases serve"}
    assert show(server, f"{UNIT}.timer")["ActiveState"] == "active"
    assert server.containers() == before
    time.sleep(12)
    assert said(server, "cleanup") == ran


def test_job_survives_a_deploy_and_the_next_run_cleans_up(apps: Apps, server: Server) -> None:
    go = "/var/lib/docker/volumes/shop_data/_data/go"
    script = "echo began; until [ -e /data/go ]; do sleep 1; done; echo ended"
    server("rm", "--force", go)
    apps.change("shop", jobs={"long": {**CLEANUP, "command": ["sh", "-c", script]}})
    apps.run()
    old = server.current("shop")
    server("systemctl", "start", "--no-block", "berth-shop-long.service")
    wait(60, lambda: said(server, "long")[-1:] == ["began"])

    apps.change("shop", env={"NOTE": "a deploy meanwhile"})
    apps.run()
    assert server.current("shop") != old
    running = set(server.containers())
    assert "berth-shop-long" in running
    assert not [name for name in running if name.endswith(old)]
    # Never beside itself: a second start joins the first.
    server("systemctl", "start", "--no-block", "berth-shop-long.service")
    server("touch", go)
    wait(60, lambda: show(server, "berth-shop-long.service")["ActiveState"] == "inactive")
    assert said(server, "long")[-2:] == ["began", "ended"]
    assert said(server, "long", "BERTH_RELEASE")[-2:] == [old, old]

    assert f"remove network shop-{old}_default" in apps.text("--check", "--diff")[1]
    apps.run()
    assert f"shop-{old}_default" not in server("docker", "network", "ls")


def test_failing_and_late_jobs_are_failed_units(apps: Apps, server: Server) -> None:
    with pytest.raises(AssertionError):
        server("systemctl", "start", "berth-shop-failing.service")
    failed = show(server, "berth-shop-failing.service")
    assert (failed["Result"], failed["ExecMainStatus"]) == ("exit-code", "7")
    status = server("systemctl", "status", "--no-pager", "berth-shop-failing.service", "||", "true")
    assert "it went wrong" in status
    apps.change("shop", jobs={"late": {**CLEANUP, "command": ["sleep", "600"], "timeout": "8s"}})
    apps.run()
    with pytest.raises(AssertionError):
        server("systemctl", "start", "berth-shop-late.service")
    assert show(server, "berth-shop-late.service")["Result"] == "timeout"
    assert "berth-shop-late" not in server("docker", "ps", "--all")


def test_units_are_repaired(playbook: Playbook, server: Server) -> None:
    before = server.containers()
    server("sh", "-c", f"'echo ExecStart=/bin/false >> /etc/systemd/system/{UNIT}.service'")
    server("systemctl", "disable", "--now", f"{UNIT}.timer")
    server("rm", "/etc/systemd/system/berth-shop-failing.timer")
    code, text = playbook.text("molecule/app/converge.yml", "--check", "--diff")
    assert code == 0
    for action in (f"write {UNIT}.service", f"enable {UNIT}.timer", f"start {UNIT}.timer", "is not there"):
        assert action in text
    assert playbook("molecule/app/converge.yml").tasks.keys() == {"Make the releases serve"}
    for unit in (UNIT, "berth-shop-failing"):
        state = show(server, f"{unit}.timer")
        assert (state["ActiveState"], state["UnitFileState"]) == ("active", "enabled")
        assert show(server, f"{unit}.service")["NeedDaemonReload"] == "no"
    server("systemctl", "start", f"{UNIT}.service")
    assert playbook("molecule/app/converge.yml").tasks == {}
    assert server.containers() == before


def test_units_of_gone_jobs_vanish_and_an_app_without_a_file_runs_on(apps: Apps, server: Server) -> None:
    apps.change("blog", jobs={"index": {**CLEANUP}})
    apps.run()
    assert "berth-blog-index.timer" in server("systemctl", "list-timers", "--all")
    (apps.directory / "blog.yml").unlink()
    apps.change("shop", jobs={"failing": None})
    apps.run()
    units = server("ls", "/etc/systemd/system").split()
    kept = [f"berth-blog-index.{kind}" for kind in ("service", "timer")] + [f"{UNIT}.service", f"{UNIT}.timer"]
    assert [name for name in units if name.startswith(("berth-shop-", "berth-blog-"))] == kept
    assert f"{UNIT.rpartition('-')[0]}-failing" not in server("systemctl", "list-units", "--all", "'berth-*'")


def test_bad_schedules_change_nothing(apps: Apps, server: Server) -> None:
    before = server.containers(), server("ls", "/etc/systemd/system")
    apps.change("shop", env={"NOTE": "not deployed"}, jobs={"cleanup": {**CLEANUP, "schedule": "every day"}})
    apps.change("blog", jobs={"index": {**CLEANUP, "service": "wub"}})
    code, text = apps.text()
    assert code != 0
    assert "app shop: jobs.cleanup.schedule: found 'every day', expected a time like 03:15" in text
    assert "app blog: jobs.index.service: found 'wub', expected a service (web)" in text
    # What only systemd can know.
    apps.change("shop", jobs={"cleanup": {**CLEANUP, "schedule": "03:15 Mars/Olympus"}})
    apps.change("blog", jobs={"index": None})
    code, text = apps.text()
    assert code != 0
    assert "app shop: jobs.cleanup.schedule: found '03:15 Mars/Olympus'" in text
    assert (server.containers(), server("ls", "/etc/systemd/system")) == before
