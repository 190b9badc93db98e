# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the everyday verbs decide, and what app_info and app_restart find and do on an engine in memory."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible_collections.berth.server.plugins.filter.berth import FilterModule
from ansible_collections.berth.server.plugins.module_utils import _readiness, _verbs
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._verbs import VerbError
from ansible_collections.berth.server.plugins.modules import app_info, app_restart

from tests.unit.plugins.builders import Server

JOB = {"service": "web", "command": ["clean"], "schedule": "03:15", "timeout": 3600.0}

# what Ansible has read, what was typed -> words
COMMANDS: dict[str, tuple[t.Any, list[str], list[str]]] = {
    "text": ("python -c 'print(1)'", [], ["python", "-c", "print(1)"]),
    "list": (["a b", 1], [], ["a b", "1"]),
    "one word": ("ls", ["command=ls"], ["ls"]),
    "what Ansible has cut off": ("env", ["app=shop", "command=env A=b --c=d 'e f'"], ["env", "A=b", "--c=d", "e f"]),
    "quoted as Ansible wants it": ("ls -l", ["command='ls -l'"], ["ls", "-l"]),
    "typed, but a list": (["ls"], ["command=ls -l"], ["ls"]),
    "from elsewhere": ("ls", ["command=rm -r x", '{"command": "ls"}'], ["ls"]),
}


@pytest.mark.parametrize(("command", "typed", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
def test_words(command: t.Any, typed: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _verbs.words(command, typed) == expected
    monkeypatch.setattr(context, "CLIARGS", {"extra_vars": tuple(typed)})
    assert FilterModule().filters()["command_words"](command) == expected


@pytest.mark.parametrize(("command", "said"), [("", "nothing"), ([], "nothing"), ("echo 'x", "No closing quotation")])
def test_no_command(command: t.Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        FilterModule().filters()["command_words"](command)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["--lines=100", "BERTH_APP=shop"]),
        ({"service": "web", "lines": "5"}, ["--lines=5", "BERTH_APP=shop", "BERTH_SERVICE=web"]),
        ({"since": "1h", "grep": "a b"}, ["--lines=100", "--since=-1h", "--grep=a b", "BERTH_APP=shop"]),
        ({"since": "2026-11-20 10:00"}, ["--lines=100", "--since=2026-11-20 10:00", "BERTH_APP=shop"]),
    ],
)
def test_log_command(options: dict[str, t.Any], expected: list[str]) -> None:
    assert _verbs.log_command("shop", **options) == ["journalctl", "--output=json", "--quiet", *expected]


def test_number_of_lines() -> None:
    with pytest.raises(VerbError, match="lines: found 'many', expected a number"):
        _verbs.log_command("shop", lines="many")


def test_log_lines_are_sorted_and_any_bytes_are_text() -> None:
    late = {"__REALTIME_TIMESTAMP": "1795220059773216", "BERTH_SERVICE": "web", "MESSAGE": [27, 91, 255]}
    early = {"__REALTIME_TIMESTAMP": "1795220059001000", "BERTH_SERVICE": "job-x", "MESSAGE": "went well"}
    empty = {"__REALTIME_TIMESTAMP": "1795220059002000", "BERTH_SERVICE": "web", "MESSAGE": None}
    journal = "\n".join(json.dumps(entry) for entry in (late, early, empty))
    assert _verbs.log_lines(journal) == [
        "2026-11-21 00:14:19.001 job-x | went well",
        "2026-11-21 00:14:19.002 web | ",
        "2026-11-21 00:14:19.773 web | \x1b[\ufffd",
    ]


def info(server: Server, **params: t.Any) -> dict[str, t.Any]:
    defaults = {"app": "shop", "root": f"{server.root}/apps", "service": None, "job": None, "running": False}
    return app_info.look(Docker(server.engine.run), {**defaults, **params})


def test_app_is_found_as_it_is_on_the_server(server: Server) -> None:
    record = server.deploy(jobs={"cleanup": JOB})
    found = info(server, service="", job="cleanup", running=True)
    assert found == {
        "app": "shop",
        "release": record.id,
        "version": "1.0",
        "directory": f"{server.root}/apps/shop/releases/{record.id}",
        "services": ["web"],
        "service": "web",
        "jobs": {"cleanup": "berth-shop-cleanup.service"},
        "containers": [{"name": f"shop-web-{record.id}", "service": "web", "state": "running"}],
        "container": f"shop-web-{record.id}",
    }


WRONG: dict[str, tuple[dict[str, t.Any], str]] = {
    "unknown app": ({"app": "shup"}, "app: found 'shup', expected one of shop"),
    "no app": ({"app": ""}, "app: found nothing, expected one of shop"),
    "unknown service": ({"service": "wub"}, "app shop: service: found 'wub', expected one of web, worker"),
    "no service": ({"service": ""}, "app shop: service: found nothing, expected one of web, worker"),
    "unknown job": ({"job": "x"}, "app shop: job: found 'x', expected one, but there is none in the release"),
    "stopped container": ({"service": "worker", "running": True}, "which is exited, expected one that runs"),
}


@pytest.mark.parametrize(("params", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_there_is_named(server: Server, params: dict[str, t.Any], said: str) -> None:
    server.deploy(services={"web": {"image": "shop:1.0"}, "worker": {"image": "shop:1.0"}})
    worker = next(c for c in server.engine.containers.values() if "worker" in c["Name"])
    worker["State"] = {"Status": "exited", "ExitCode": 0}
    with pytest.raises(VerbError, match=said):
        info(server, **params)


def test_server_without_apps(server: Server) -> None:
    with pytest.raises(VerbError, match="expected one, but there is none in this server"):
        info(server)


@pytest.fixture
def shop(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """An app of three services, of which ``once`` is meant to end; return parameters for a restart."""
    monkeypatch.setattr(_readiness, "wait_until_ready", lambda look, _timeout: {
        name: verdict for name, verdict in look().items() if verdict.state != "ready"
    })  # fmt: skip
    record = server.deploy(services={name: {"image": "shop:1.0"} for name in ("web", "once", "worker")})
    for container in server.engine.containers.values():
        once = "once" in container["Name"]
        container["HostConfig"] = {"RestartPolicy": {"Name": "" if once else "unless-stopped"}}
        container["Config"]["Env"] = ["TOKEN=not-for-the-eyes"]
        if once:
            container["State"] = {"Status": "exited", "ExitCode": 0}
    server.engine.commands.clear()
    return {"app": "shop", "release": record.id, "services": ["worker", "once", "web"], "service": "", "timeout": 5}


def test_restart_one_after_the_other_in_order(server: Server, shop: dict[str, t.Any]) -> None:
    wanted = [f"shop-{service}-{shop['release']}" for service in ("worker", "web")]
    assert app_restart.run(Docker(server.engine.run), shop, check_mode=True) == wanted
    assert server.engine.commands == []
    assert app_restart.run(Docker(server.engine.run), shop, check_mode=False) == wanted
    assert [command.split("-")[0] for command in server.engine.commands] == ["restart worker", "restart web"]


def test_restart_of_one_service(server: Server, shop: dict[str, t.Any]) -> None:
    named = app_restart.run(Docker(server.engine.run), {**shop, "service": "once"}, check_mode=True)
    assert named == [f"shop-once-{shop['release']}"]


def test_restart_stops_at_the_first_that_does_not_come_up(server: Server, shop: dict[str, t.Any]) -> None:
    server.engine.states["restarted"] = {"Status": "exited", "ExitCode": 3}
    server.engine._logs = lambda _words: (0, "the token is not-for-the-eyes\n", "")  # type: ignore[method-assign]
    with pytest.raises(VerbError, match=r"worker.* failed \(5 s\): exited with code 3\nthe token is \*+") as caught:
        app_restart.run(Docker(server.engine.run), shop, check_mode=False)
    assert "not-for-the-eyes" not in str(caught.value)
    assert len(server.engine.commands) == 1


def test_restart_without_a_container(server: Server, shop: dict[str, t.Any]) -> None:
    with pytest.raises(VerbError, match="service more: found no container, expected one"):
        app_restart.run(Docker(server.engine.run), {**shop, "services": ["more"]}, check_mode=False)
    with pytest.raises(VerbError, match="app shop: service: found 'wub', expected one of once, web, worker"):
        app_restart.run(Docker(server.engine.run), {**shop, "service": "wub"}, check_mode=False)
