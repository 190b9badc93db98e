# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._drift import still_used, strangers, unread_files
from ansible_collections.berth.server.plugins.module_utils._files import File, FoundFile

TOLD = {"web.conf": text_hash("wanted")}
FILES = {
    "read": ("wanted", TOLD, None),
    "never read": ("wanted", {}, 0),
    "another one was read": ("wanted", {"web.conf": text_hash("before")}, 0),
    "edited since": ("edited", TOLD, 50),
    "another one was read, and edited since": ("edited", {"web.conf": text_hash("before")}, 0),
    "removed": (None, TOLD, 0),
}


@pytest.mark.parametrize(("content", "known", "since"), FILES.values(), ids=FILES.keys())
def test_files_that_readers_have_not_read(content: str | None, known: dict[str, str], since: float | None) -> None:
    found = FoundFile(content, 0, 0, 0o644, changed=50) if content else None
    file = File("web.conf", "wanted", readers={"web": "restart"})
    assert [f.since for f in unread_files([file], {"web.conf": found}, known)] == ([] if since is None else [since])
    assert unread_files([File("web.conf", "wanted")], {"web.conf": found}, known) == []


SERVICES: dict[str, t.Any] = {"web": {"container_name": "web-1"}, "db": {}}
NAMES = {
    "nobody": ({}, {}),
    "its own": ({"web-1": ("7", "p")}, {}),
    "one made by hand": ({"web-1": ("7", "")}, {"web": "7"}),
    "another project's": ({"web-1": ("7", "q")}, {"web": "7"}),
    "another name": ({"web-2": ("7", "q")}, {}),
}


@pytest.mark.parametrize(("names", "expected"), NAMES.values(), ids=NAMES.keys())
def test_containers_that_took_a_name(names: dict[str, tuple[str, str]], expected: dict[str, str]) -> None:
    assert strangers("p", SERVICES, names, is_new=False) == expected


@pytest.mark.parametrize(("project", "whose"), [("", "one that Compose did not make"), ("q", "one of the project q")])
def test_a_name_that_was_taken_before_the_stack_came_is_left_to_its_owner(project: str, whose: str) -> None:
    with pytest.raises(ValueError, match=f"Stack p: container web-1: found {whose}, expected the name to be free"):
        strangers("p", SERVICES, {"web-1": ("7", project)}, is_new=True)


def running(*networks: str, app: bool = True, status: str = "running") -> list[dict[str, t.Any]]:
    labels = {"berth.app": "shop"} if app else {}
    found = {"Networks": dict.fromkeys(networks)}
    return [{"Config": {"Labels": labels}, "State": {"Status": status}, "NetworkSettings": found}]


def test_networks_of_running_apps_are_not_left_by_what_apps_share() -> None:
    projects = {
        "shop-1": running("edge-shop"),
        "blog-1": running("edge-blog", status="exited"),
        "other": running("theirs", app=False),
    }
    assert still_used({"traefik": {"image": "traefik"}}, projects) == {"edge-shop"}
    assert still_used({"web": {"labels": {"berth.app": "blog"}}}, projects) == set()
