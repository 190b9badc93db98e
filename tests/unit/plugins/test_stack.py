# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _service, _stack
from ansible_collections.berth.server.plugins.module_utils._stack import (
    Action,
    Attachment,
    ChangedFile,
    Container,
    Service,
    plan_stack,
)
from hypothesis import given
from hypothesis import strategies as st


def service(**changes: t.Any) -> Service:
    return Service(**{"name": "web", "config": "c1", "image": "web:1", "networks": {"net": Attachment()}, **changes})


def container(**changes: t.Any) -> Container:
    defaults: dict[str, t.Any] = {"id": "1", "service": "web", "config": "c1", "state": "running"}
    return Container(**{**defaults, "networks": {"net": Attachment()}, **changes})


def briefly(actions: t.Sequence[Action]) -> list[str]:
    return [" ".join(filter(None, (a.kind, a.service, a.argument, a.container))) for a in actions]


FILE = ChangedFile("web.conf", {"web": "restart"})
HUP = ChangedFile("web.conf", {"web": "SIGHUP"})

PLANS = {
    "all as wanted": (service(), container(), []),
    "no container": (service(), None, ["create web"]),
    "no container, image missing": (service(config=None), None, ["create web"]),
    "image missing": (service(config=None), container(), ["recreate web"]),
    "configuration changed": (service(config="c2"), container(), ["recreate web"]),
    "made by something else": (service(), container(config=None), ["recreate web"]),
    "changed and stopped": (service(config="c2"), container(state="exited"), ["recreate web"]),
    "stopped": (service(), container(state="exited"), ["start web exited 1"]),
    "created, never started": (service(), container(state="created"), ["start web created 1"]),
    "paused": (service(), container(state="paused"), ["start web paused 1"]),
    "restarting by itself": (service(), container(state="restarting"), ["restart web 1"]),
    "unhealthy": (service(), container(healthy=False), ["restart web 1"]),
    "unhealthy and of an old configuration": (service(config="c2"), container(healthy=False), ["recreate web"]),
    "unhealthy and network lacking": (
        service(),
        container(healthy=False, networks={}),
        ["connect web net 1", "restart web 1"],
    ),
    "dead": (service(), container(state="dead"), ["recreate web"]),
    "removing": (service(), container(state="removing"), ["recreate web"]),
    "one-shot that ended": (service(one_shot=True), container(state="exited"), []),
    "one-shot that failed": (service(one_shot=True), container(state="exited", exit_code=1), ["start web exited 1"]),
    "one-shot of an old configuration": (
        service(one_shot=True, config="c2"),
        container(state="exited"),
        ["recreate web"],
    ),
    "network lacking": (service(), container(networks={}), ["connect web net 1"]),
    "network too many": (
        service(),
        container(networks={"net": Attachment(), "old": Attachment()}),
        ["disconnect web old 1"],
    ),
    "network swapped": (
        service(),
        container(networks={"old": Attachment()}),
        ["connect web net 1", "disconnect web old 1"],
    ),
    "other address": (
        service(networks={"net": Attachment("10.0.0.2")}),
        container(networks={"net": Attachment("10.0.0.3")}),
        ["connect web net 1"],
    ),
    "any address will do": (service(), container(networks={"net": Attachment("10.0.0.3")}), []),
    "name lacking": (
        service(networks={"net": Attachment(aliases=frozenset({"a", "b"}))}),
        container(networks={"net": Attachment(aliases=frozenset({"a"}))}),
        ["connect web net 1"],
    ),
    "names too many": (service(), container(networks={"net": Attachment(aliases=frozenset({"a"}))}), []),
    "on another's network": (service(networks=None), container(networks={"x": Attachment()}), []),
    "stopped and network lacking": (
        service(),
        container(state="exited", networks={}),
        ["connect web net 1", "start web exited 1"],
    ),
}


@pytest.mark.parametrize(("wanted", "found", "expected"), PLANS.values(), ids=PLANS.keys())
def test_plan_of_one_service(wanted: Service, found: Container | None, expected: list[str]) -> None:
    assert briefly(plan_stack([wanted], [found] if found else [])) == expected


TOLD = {
    "restart": ([FILE], "running", ["restart web 1"]),
    "signal": ([HUP], "running", ["signal web SIGHUP 1"]),
    "restart makes a signal needless": ([FILE, HUP], "running", ["restart web 1"]),
    "one signal for two files": ([HUP, ChangedFile("b", {"web": "SIGHUP"})], "running", ["signal web SIGHUP 1"]),
    "two signals": (
        [HUP, ChangedFile("b", {"web": "SIGUSR1"})],
        "running",
        ["signal web SIGHUP 1", "signal web SIGUSR1 1"],
    ),
    "another's file": ([ChangedFile("b", {"db": "restart"})], "running", []),
    "a start reads files anyway": ([FILE], "exited", ["start web exited 1"]),
    "edited before it started": ([ChangedFile("f", {"web": "restart"}, since=90)], "running", ["restart web 1"]),
    "edited while it ran": ([ChangedFile("f", {"web": "restart"}, since=110)], "running", []),
    "edited, and a signal costs nothing": (
        [ChangedFile("f", {"web": "SIGHUP"}, since=110)],
        "running",
        ["signal web SIGHUP 1"],
    ),
}


@pytest.mark.parametrize(("files", "state", "expected"), TOLD.values(), ids=TOLD.keys())
def test_readers_are_told_of_changed_files(files: list[ChangedFile], state: str, expected: list[str]) -> None:
    assert briefly(plan_stack([service()], [container(state=state, started=100)], files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"), [([], []), ([FILE], ["start web exited 1"]), ([HUP], ["start web exited 1"])]
)
def test_a_one_shot_that_ended_runs_again_for_what_it_reads(files: list[ChangedFile], expected: list[str]) -> None:
    found = container(state="exited")
    assert briefly(plan_stack([service(one_shot=True)], [found], files)) == expected


def test_a_container_that_took_the_name_makes_room() -> None:
    actions = plan_stack([service()], [], strangers={"web": "7"})
    assert briefly(actions) == ["remove web 7", "create web"]
    assert _stack.impact([service()], actions) == {"web": "create"}


@pytest.mark.parametrize("file", [FILE, HUP], ids=["restart", "signal"])
def test_paused_reader_is_told_too(file: ChangedFile) -> None:
    """Going on from a pause reads nothing anew."""
    kinds = [a.kind for a in plan_stack([service()], [container(state="paused")], [file])]
    assert {"restart", "signal"} & set(kinds), kinds


def test_new_container_is_not_told_of_files() -> None:
    assert briefly(plan_stack([service(config="c2")], [container()], [FILE], restart={"web": "asked for"})) == [
        "recreate web"
    ]


def test_asked_restart_needs_no_file() -> None:
    (action,) = plan_stack([service()], [container()], [HUP], restart={"web": "asked for"})
    assert str(action) == "restart web: asked for"


def test_reason_names_the_files() -> None:
    (action,) = plan_stack([service()], [container()], [FILE, ChangedFile("b.conf", {"web": "restart"})])
    assert str(action) == "restart web: web.conf, b.conf changed"


def test_removals_come_first() -> None:
    found = [container(), container(id="2", service="old"), container(id="3")]
    actions = plan_stack([service(config="c2"), service(name="new")], found)
    assert briefly(actions) == ["remove old 2", "remove web 3", "recreate web", "create new"]


def test_services_keep_their_order() -> None:
    names = ["b", "c", "a"]
    assert [a.service for a in plan_stack([service(name=n) for n in names], [])] == names


STATES = st.sampled_from(["created", "running", "paused", "restarting", "exited", "dead"])
NETWORKS = st.dictionaries(st.sampled_from("xyz"), st.just(Attachment()))


@given(wanted=NETWORKS, have=NETWORKS, state=STATES)
def test_after_the_plan_the_networks_are_as_wanted(
    wanted: dict[str, Attachment], have: dict[str, Attachment], state: str
) -> None:
    actions = plan_stack([service(networks=wanted)], [container(networks=have, state=state)])
    if "recreate" in [a.kind for a in actions]:
        return
    joined = {a.argument for a in actions if a.kind == "connect"}
    left = {a.argument for a in actions if a.kind == "disconnect"}
    assert (set(have) | joined) - left == set(wanted)


@pytest.mark.parametrize(
    ("kinds", "strongest"),
    [
        pytest.param([], "none", id="nothing"),
        pytest.param(["connect", "disconnect"], "connect", id="networks"),
        pytest.param(["connect", "signal"], "signal", id="signal over connect"),
        pytest.param(["connect", "start"], "start", id="start over connect"),
        pytest.param(["restart", "connect"], "restart", id="restart over connect"),
        pytest.param(["remove", "recreate"], "recreate", id="recreate over remove of a double"),
        pytest.param(["remove", "create"], "create", id="create"),
    ],
)
def test_impact_is_the_strongest_action(kinds: list[_stack.ActionKind], strongest: str) -> None:
    assert _stack.impact([service()], [Action(kind, "web", "") for kind in kinds]) == {"web": strongest}


def test_impact_tells_of_what_is_removed() -> None:
    actions = [Action("remove", "old", "")]
    assert _stack.impact([service()], actions) == {"web": "none", "old": "remove"}


DEFINITION = {"image": "web:1", "command": "serve", "networks": ["a"], "build": {"context": "."}, "depends_on": ["db"]}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({"networks": ["b"]}, True, id="networks"),
        pytest.param({"build": {"context": "x"}}, True, id="build"),
        pytest.param({"depends_on": []}, True, id="depends_on"),
        pytest.param({"profiles": ["x"]}, True, id="profiles"),
        pytest.param({"command": "other"}, False, id="command"),
        pytest.param({"restart": "always"}, False, id="restart"),
    ],
)
def test_config_covers_what_only_a_new_container_brings(changes: dict[str, t.Any], same: bool) -> None:
    before = _service.service_config(DEFINITION, {}, "id")
    assert (_service.service_config({**DEFINITION, **changes}, {}, "id") == before) is same


def test_config_covers_environment_and_image_id() -> None:
    hashes = {_service.service_config(DEFINITION, env, image) for env in ({}, {"A": "1"}) for image in ("x", "y")}
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("restart", "expected"),
    [("no", True), (False, True), ("on-failure", True), ("on-failure:3", True), ("always", False), (None, False)],
)
def test_one_shot_is_told_by_restart(restart: t.Any, expected: bool) -> None:
    assert _service.is_one_shot({} if restart is None else {"restart": restart}) is expected


BLOCK: dict[str, t.Any] = {"named": {"name": "docker-name", "external": True}, "plain": None}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        pytest.param({}, {"p_default": Attachment()}, id="default"),
        pytest.param({"networks": ["named"]}, {"docker-name": Attachment()}, id="list"),
        pytest.param({"networks": {"plain": None}}, {"p_plain": Attachment()}, id="mapping without options"),
        pytest.param(
            {"networks": {"named": {"ipv4_address": "10.0.0.2", "aliases": ["a"]}}},
            {"docker-name": Attachment("10.0.0.2", frozenset({"a"}))},
            id="options",
        ),
        pytest.param({"network_mode": "none"}, None, id="network_mode"),
    ],
)
def test_attachments_by_docker_names(definition: dict[str, t.Any], expected: dict[str, Attachment] | None) -> None:
    assert _service.desired_attachments("p", BLOCK, definition) == expected


def beside(**changes: t.Any) -> Service:
    return service(name="beside", networks=None, lives_with={"web"}, **changes)


@pytest.mark.parametrize(
    ("web", "found", "expected"),
    [
        pytest.param(container(), "running", [], id="all as wanted"),
        pytest.param(None, "running", ["create web", "recreate beside"], id="gone"),
        pytest.param(container(config="old"), "running", ["recreate web", "recreate beside"], id="changed"),
        pytest.param(container(state="exited"), "running", ["start web exited 1", "restart beside 2"], id="stopped"),
        pytest.param(
            container(state="exited"), "exited", ["start web exited 1", "start beside exited 2"], id="both stopped"
        ),
        pytest.param(None, "exited", ["create web", "recreate beside"], id="gone and stopped"),
        pytest.param(None, None, ["create web", "create beside"], id="nothing there"),
    ],
)
def test_a_service_follows_the_one_whose_network_it_is_on(
    web: Container | None, found: str | None, expected: list[str]
) -> None:
    other = container(id="2", service="beside", state=found, networks={}) if found else None
    containers = [c for c in (web, other) if c]
    assert briefly(plan_stack([service(), beside()], containers)) == expected


@pytest.mark.parametrize(
    ("definition", "names"),
    [
        ({}, set()),
        ({"network_mode": "none", "ipc": "shareable"}, set()),
        ({"network_mode": "service:a", "pid": "service:b", "ipc": "service:a"}, {"a", "b"}),
    ],
)
def test_namespaces_of_others(definition: dict[str, t.Any], names: set[str]) -> None:
    assert _service.lives_with(definition) == names


def test_network_that_is_used_is_not_left() -> None:
    service = Service("web", "c", "i", networks={})
    container = Container("1", "web", "c", "running", networks={"old": Attachment(), "used": Attachment()})
    assert [str(a) for a in plan_stack([service], [container], used={"used"})] == [
        "disconnect web old: does not belong on the network"
    ]
