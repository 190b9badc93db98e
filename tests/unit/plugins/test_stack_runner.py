# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import re
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._docker import DockerError
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._stack_runner import StackError
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Check, Directory

from tests.unit.plugins.builders import Stack
from tests.unit.plugins.engine import image_id

WEB = {"image": "web:1", "restart": "always", "networks": ["edge"]}
JOB = {"image": "job:1", "restart": "no", "networks": ["edge"]}
UP = "compose up --detach --no-deps --force-recreate"
BROKEN = {"Status": "exited", "ExitCode": 3}


def conf(content: str, how: str = "restart", **changes: t.Any) -> list[File]:
    return [File("web.conf", content, readers={"web": how}, **changes)]


def test_new_stack_is_written_and_started(stack: Stack) -> None:
    commands = stack.apply({"web": WEB, "job": JOB}, environment={"web": {"KEY": "pa$word"}})
    assert commands == [f"{UP} web job"]
    assert stack.read("environment.yml") == {"services": {"web": {"environment": {"KEY": "pa$$word"}}}}
    assert (stack.directory / "environment.yml").stat().st_mode & 0o777 == 0o600
    assert stack.read("compose.yml")["name"] == "p"
    assert stack.read("compose.yml")["services"]["web"]["labels"].keys() == {"berth.config"}


def test_second_run_has_nothing_to_do(stack: Stack) -> None:
    wanted: dict[str, t.Any] = {
        "files": conf("a"),
        "environment": {"web": {"A": "1"}},
        "directories": [Directory("data")],
    }
    stack.apply({"web": WEB, "job": JOB}, **wanted)
    runner = stack.plan({"web": WEB, "job": JOB}, **wanted)
    assert (runner.changed, runner.actions, runner.files, runner.differences) == (False, [], [], [])
    assert runner.impact == {"web": "none", "job": "none"}
    runner.apply()
    assert stack.engine.commands == []


def test_only_the_changed_service_is_recreated(stack: Stack) -> None:
    stack.apply({"web": WEB, "job": JOB})
    runner = stack.plan({"web": {**WEB, "command": "x"}, "job": JOB})
    assert runner.impact == {"web": "recreate", "job": "none"}
    runner.apply()
    assert stack.engine.commands == [f"{UP} web"]


def test_changed_environment_recreates_and_is_not_shown(stack: Stack) -> None:
    stack.apply({"web": WEB}, environment={"web": {"KEY": "old-secret"}})
    runner = stack.plan({"web": WEB}, environment={"web": {"KEY": "new-secret"}})
    assert runner.impact == {"web": "recreate"}
    assert "secret" not in str(runner.differences) + "".join(map(str, runner.actions))


def test_moved_tag_recreates(stack: Stack) -> None:
    stack.apply({"web": WEB})
    stack.engine.images["web:1"] = "sha256:moved"
    assert stack.plan({"web": WEB}).impact == {"web": "recreate"}


def test_removed_service_goes(stack: Stack) -> None:
    stack.apply({"web": WEB, "job": JOB})
    assert [c.split("#")[0] for c in stack.apply({"web": WEB})] == ["rm --force job"]


def test_profile_is_left_to_somebody_else(stack: Stack) -> None:
    assert stack.apply({"web": WEB, "tool": {**JOB, "profiles": ["x"]}}) == [f"{UP} web"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [pytest.param("restart", ["restart web"], id="restart"), pytest.param("SIGHUP", ["kill --signal SIGHUP web"])],
)
def test_readers_of_changed_files_are_told_once(stack: Stack, how: str, expected: list[str]) -> None:
    stack.apply({"web": WEB}, files=conf("a", how))
    assert [c.split("#")[0] for c in stack.apply({"web": WEB}, files=conf("b", how))] == expected
    assert not stack.plan({"web": WEB}, files=conf("b", how)).changed


def test_readers_are_told_by_the_run_after_a_broken_one(stack: Stack) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    (stack.directory / "web.conf").write_text("b", encoding="utf-8")  # written, and died before the restart
    assert [a.kind for a in stack.plan({"web": WEB}, files=conf("b")).actions] == ["restart"]


def test_damaged_state_tells_readers_once_more(stack: Stack) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    (stack.directory / ".berth.json").write_text("{", encoding="utf-8")
    assert [a.kind for a in stack.plan({"web": WEB}, files=conf("a")).actions] == ["restart"]


def test_network_is_joined_while_it_runs(stack: Stack) -> None:
    stack.apply({"web": WEB})
    stack.engine.networks["edge"] = "id-made-anew"
    commands = [command.split("#")[0] for command in stack.apply({"web": WEB})]
    assert commands == ["network disconnect --force edge web", "network connect --alias web edge web"]


def test_missing_image_is_pulled_and_a_build_is_built(stack: Stack) -> None:
    stack.engine.registry.add("new:1")
    build = {"image": "own:1", "build": {"context": "build"}, "restart": "always"}
    commands = stack.apply({"web": {**WEB, "image": "new:1"}, "own": build})
    context = re.sub(r"/\S+/berth-candidate-\w+", "CANDIDATE", commands[1])
    assert context == "build --quiet --tag own:1 --file CANDIDATE/build/Dockerfile CANDIDATE/build"
    assert [commands[0], commands[2]] == ["pull --quiet new:1", f"{UP} web own"]
    assert not stack.plan({"web": {**WEB, "image": "new:1"}, "own": build}).changed


def test_failed_start_brings_back_files_and_services(stack: Stack) -> None:
    stack.apply({"web": WEB, "job": JOB}, files=conf("a", mode=0o640))
    before, running = stack.snapshot(), stack.plan({"web": WEB, "job": JOB}, files=conf("a", mode=0o640))
    stack.engine.states[image_id("web:2")] = BROKEN
    runner = stack.plan({"web": {**WEB, "image": "web:2"}, "job": JOB}, files=conf("b"))
    with pytest.raises(StackError, match=r"Stack p: service web failed.*exited with code 3") as error:
        runner.apply()
    assert "a line of its log" in str(error.value)
    assert "previous configuration of web is back" in str(error.value)
    assert stack.engine.commands == [f"{UP} web", f"{UP} web"]
    assert stack.snapshot() == before
    assert not running.changed
    assert not stack.plan({"web": WEB, "job": JOB}, files=conf("a", mode=0o640)).changed


def test_failed_first_start_leaves_nothing(stack: Stack) -> None:
    stack.engine.states[image_id("web:1")] = BROKEN
    with pytest.raises(StackError, match="did not exist before"):
        stack.apply({"web": WEB})
    assert stack.engine.commands == [f"{UP} web", "compose down --timeout 10"]
    assert (stack.snapshot(), stack.engine.services()) == ({}, [])


def test_failed_restart_gives_the_service_its_old_file_back(stack: Stack) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    stack.engine.states["restarted"] = {"Status": "exited", "ExitCode": 3}
    with pytest.raises(StackError, match=r"(?s)exited with code 3.*previous configuration of web is back"):
        stack.apply({"web": WEB}, files=conf("b"))
    assert (stack.directory / "web.conf").read_text(encoding="utf-8") == "a"
    assert len(stack.engine.commands) == 2
    assert stack.engine.commands[-1].startswith((f"{UP} web", "restart web"))
    assert not stack.plan({"web": WEB}, files=conf("a")).changed


def test_failed_start_takes_new_services_away_and_brings_removed_ones_back(stack: Stack) -> None:
    stack.apply({"web": WEB, "job": JOB})
    stack.engine.states[image_id("web:2")] = BROKEN
    with pytest.raises(StackError):
        stack.apply({"web": {**WEB, "image": "web:2"}, "new": WEB})
    assert stack.engine.services() == ["job", "web"]


def test_failed_pull_leaves_running_services_alone(stack: Stack) -> None:
    stack.apply({"web": WEB, "job": JOB}, files=conf("a"))
    with pytest.raises(StackError, match="manifest for gone:1 not found"):
        stack.apply({"web": WEB, "job": {**JOB, "image": "gone:1"}}, files=conf("b"))
    assert stack.engine.commands == ["pull --quiet gone:1"]
    assert (stack.directory / "web.conf").read_text(encoding="utf-8") == "a"


@pytest.mark.parametrize("error", [DockerError("no"), OSError("no"), ValueError("no")], ids=lambda e: type(e).__name__)
def test_failure_before_the_start_leaves_running_services_alone(stack: Stack, error: Exception) -> None:
    stack.apply({"web": WEB})
    before = stack.snapshot()

    def fail() -> t.NoReturn:
        raise error

    with pytest.raises((StackError, type(error)), match="no"):
        stack.plan({"web": {**WEB, "image": "web:2"}}).apply(before=fail)
    assert stack.engine.commands == []
    assert stack.snapshot() == before


def test_failed_connect_is_taken_back(stack: Stack) -> None:
    stack.apply({"web": WEB})
    wanted = {**WEB, "networks": {"edge": {"ipv4_address": "10.0.0.9"}}}
    stack.engine.failures["network connect --ip 10.0.0.9"] = "Address already in use"
    with pytest.raises(StackError, match="Address already in use"):
        stack.apply({"web": wanted})
    last = stack.engine.commands[-1]
    assert last.startswith((f"{UP} web", "network connect --alias web edge")), last


def test_failure_to_bring_back_is_told(stack: Stack) -> None:
    stack.apply({"web": WEB})
    stack.engine.failures["compose up"] = "engine is gone"
    with pytest.raises(StackError, match=r"(?s)engine is gone.*back failed as well"):
        stack.apply({"web": {**WEB, "image": "web:2"}})


def test_what_never_gets_ready_ends_at_the_timeout(stack: Stack) -> None:
    stack.engine.states[image_id("web:1")] = {"Status": "running", "Health": {"Status": "starting"}}
    with pytest.raises(StackError, match=r"web did not become ready in time \(0.3 s\)"):
        stack.apply({"web": WEB})


CHECKED = {"web": {**WEB, "volumes": ["{}/conf:/etc/web:ro", "data:/data"], "user": "33"}}


def checked(stack: Stack) -> dict[str, t.Any]:
    return {"web": {**CHECKED["web"], "volumes": [v.format(stack.directory) for v in CHECKED["web"]["volumes"]]}}


def test_checks_run_on_a_copy_before_anything_is_live_and_only_when_something_differs(stack: Stack) -> None:
    checks = [Check("web", ["judge", "/etc/web/x"])]
    commands = stack.apply(checked(stack), files=conf("a"), checks=checks)
    judged = re.sub(r"/\S+/berth-candidate-\w+", "CANDIDATE", commands[0])
    assert judged == (
        f"run --name berth-once-{os.getpid()} --rm --network none --security-opt no-new-privileges:true "
        "--log-driver none --user 33 --volume CANDIDATE/conf:/etc/web:ro --entrypoint judge web:1 /etc/web/x"
    )
    assert commands[1].endswith("web")
    assert stack.apply(checked(stack), files=conf("a"), checks=checks) == []
    assert stack.apply(checked(stack), files=conf("b"), checks=checks)[0].startswith("run ")


def test_a_refused_candidate_changes_nothing(stack: Stack) -> None:
    stack.apply(checked(stack), files=conf("a"))
    before = stack.snapshot()
    stack.engine.failures["run "] = "line 1: no such setting"
    with pytest.raises(StackError, match=r"(?s)configuration of web was refused.*no such setting.*Nothing was changed"):
        stack.apply(checked(stack), files=conf("b"), checks=[Check("web", ["judge"])])
    assert stack.snapshot() == before
    assert [c for c in stack.engine.commands if not c.startswith(("run ", "rm "))] == []
