# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import os
import re
import types
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._docker import DockerError
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._stack_runner import StackError
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Check, Directory, Probe

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


def test_file_whose_mode_changed_has_been_read(stack: Stack) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    (stack.directory / "web.conf").chmod(0o600)
    runner = stack.plan({"web": WEB}, files=conf("a"))
    assert (runner.changed, runner.actions) == (True, [])


def test_service_that_strayed_from_its_files_is_restarted(stack: Stack) -> None:
    wanted = {"probes": [Probe("web", ["settings"])]}
    stack.engine.answers["settings"] = "as the files say"
    stack.apply({"web": WEB}, **wanted)
    assert not stack.plan({"web": WEB}, **wanted).changed
    stack.engine.answers["settings"] = "by hand"
    runner = stack.plan({"web": WEB}, **wanted)
    assert [str(a) for a in runner.actions] == ["restart web: runs with other settings than its files say"]
    stack.engine.answers["settings"] = "as the files say"
    runner.apply()
    assert not stack.plan({"web": WEB}, **wanted).changed
    assert "as the files say" not in str(runner.differences)


def test_probe_that_fails_is_an_answer_too(stack: Stack) -> None:
    wanted = {"probes": [Probe("web", ["settings"])]}
    stack.apply({"web": WEB}, **wanted)
    assert not stack.plan({"web": WEB}, **wanted).changed
    stack.engine.answers["settings"] = "it works now"
    stack.apply({"web": WEB}, **wanted)
    assert not stack.plan({"web": WEB}, **wanted).changed


def test_service_that_is_just_starting_is_not_asked(stack: Stack) -> None:
    wanted = {"probes": [Probe("web", ["settings"])]}
    stack.engine.answers["settings"] = "1"
    stack.apply({"web": WEB}, **wanted)
    for container in stack.engine.containers.values():
        container["State"] = {"Status": "running", "Health": {"Status": "starting"}}
    stack.engine.answers.clear()
    assert not stack.plan({"web": WEB}, **wanted).changed


def test_service_that_does_not_run_is_not_asked(stack: Stack) -> None:
    wanted = {"probes": [Probe("web", ["settings"])]}
    stack.engine.answers["settings"] = "1"
    stack.apply({"web": WEB}, **wanted)
    for container in stack.engine.containers.values():
        container["State"] = {"Status": "exited", "ExitCode": 137}
    stack.engine.answers["settings"] = "2"
    assert stack.plan({"web": WEB}, **wanted).impact == {"web": "start"}


def test_stack_that_does_not_fit_on_its_disk_changes_nothing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    before = stack.snapshot()
    monkeypatch.setattr(os, "statvfs", lambda _path: types.SimpleNamespace(f_bavail=10, f_frsize=1000))
    with pytest.raises(StackError, match=r"Stack p needs .* free on the disk of .*, found 10 kB"):
        stack.apply({"web": WEB}, files=conf("b"))
    assert (stack.snapshot(), stack.engine.commands) == (before, [])


def test_damaged_state_tells_readers_once_more(stack: Stack) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    (stack.directory / ".berth.json").write_text("{", encoding="utf-8")
    assert [a.kind for a in stack.plan({"web": WEB}, files=conf("a")).actions] == ["restart"]


NAMED = {"web": {**WEB, "container_name": "web"}}


def test_a_container_made_by_hand_under_a_services_name_makes_room(stack: Stack) -> None:
    stack.apply(NAMED)
    stack.engine.containers = {}
    stack.engine.add("", "byhand", Name="/web", Config={"Labels": None})
    runner = stack.plan(NAMED)
    assert runner.impact == {"web": "create"}
    runner.apply()
    assert [command.partition("#")[0] for command in stack.engine.commands] == ["rm --force byhand", f"{UP} web"]
    assert not stack.plan(NAMED).changed


def test_a_name_that_somebody_else_has_is_left_to_him(stack: Stack) -> None:
    stack.engine.add("", "other", Name="/web", Config={"Labels": {}})
    with pytest.raises(ValueError, match="container web: found one that Compose did not make, expected the name"):
        stack.plan(NAMED)


@pytest.mark.parametrize(("later", "expected"), [(0.1, ["restart web"]), (-0.1, [])])
def test_a_file_edited_by_hand_restarts_who_may_have_read_it(stack: Stack, later: float, expected: list[str]) -> None:
    stack.apply({"web": WEB}, files=conf("a"))
    path = stack.directory / "web.conf"
    path.write_text("edited", encoding="utf-8")
    started = datetime.datetime.fromtimestamp(path.stat().st_ctime + later, datetime.UTC)
    (web,) = stack.engine.containers.values()
    web["State"]["StartedAt"] = f"{started:%Y-%m-%dT%H:%M:%S.%f}Z"
    told = [command.partition("#")[0] for command in stack.apply({"web": WEB}, files=conf("a"))]
    assert (told, path.read_text(encoding="utf-8")) == (expected, "a")


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


def test_who_stopped_the_start_is_named_with_what_it_said(stack: Stack) -> None:
    stack.engine.states[image_id("job:1")] = BROKEN
    stack.engine.failures["compose up"] = 'service "job" didn\'t complete successfully: exit 3'
    stack.engine.add("p", "job", State=BROKEN)
    with pytest.raises(StackError, match=r"(?s)didn't complete.*service job failed.*a line of its log"):
        stack.plan({"web": WEB, "job": JOB}).apply()


def test_what_a_file_holds_is_not_said(stack: Stack) -> None:
    stack.engine.failures["compose up"] = "cannot use hunter2hunter2"
    files = [File("private/key", "hunter2hunter2\n", sensitive=True)]
    with pytest.raises(StackError) as caught:
        stack.plan({"web": WEB}, files=files).apply()
    assert "hunter2" not in str(caught.value)


def test_a_network_of_its_own_that_is_not_there_is_made_before_it_is_joined(stack: Stack) -> None:
    stack.apply({"web": {"image": "web:1", "networks": ["edge"]}})
    container = next(iter(stack.engine.containers))
    own = {"edge": {"name": "edge", "external": True}, "default": {"internal": True}}
    services = {"web": {"image": "web:1", "networks": ["edge", "default"]}}
    told = stack.apply(services, project={"services": services, "networks": own})
    assert told == [
        "compose create --no-recreate web",
        f"network disconnect --force p_default {container}",
        f"network connect --alias web p_default {container}",
    ]
    assert list(stack.engine.containers) == [container]


def test_traefik_tries_its_files_before_they_go_live(stack: Stack) -> None:
    checks = [Check("web", kind="traefik")]
    files = [File("static/traefik.yml", "api: {}\n"), File("dynamic/a.yml", "http: {}\n")]
    stack.apply({"web": WEB}, files=files, checks=checks)
    before = stack.snapshot()
    stack.engine.trial_log = '{"level": "error", "message": "Cannot start the provider"}'
    assert not stack.plan({"web": WEB}, files=files, checks=checks).changed
    files[1] = File("dynamic/a.yml", "http: {compres: {}}\n")
    with pytest.raises(StackError, match=r"(?s)configuration of web was refused.*Cannot start .*Nothing was changed"):
        stack.apply({"web": WEB}, files=files, checks=checks)
    assert stack.snapshot() == before
