# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError

from tests.unit.plugins.builders import Server
from tests.unit.plugins.engine import image_id

BROKEN = {"Status": "exited", "ExitCode": 3}
COMMAND = {"service": "web", "command": ["migrate"], "timeout": 600.0}


def test_first_release(server: Server) -> None:
    runner = server.plan(volumes={"up": {}}, release_command=COMMAND)
    assert runner.actions == ["deploy shop: first release"]
    record = runner.apply()
    assert server.told() == [
        "pull --quiet shop:1.0",
        f"tag {image_id('shop:1.0')} berth/shop-web:ID",
        "volume create --label berth.app=shop shop_up",
        "compose run --rm --no-deps --no-TTY --interactive=false release-command-ID",
        "compose up --detach --no-deps --force-recreate web-ID",
    ]
    assert (record.status, record.version, record.by, record.error) == ("serving", "1.0", "me@here", "")
    assert record.images == {"web": {"reference": "shop:1.0", "id": image_id("shop:1.0")}}
    assert record.addresses == {"web": "10.0.0.2"}
    assert server.routed_to() == ["http://10.0.0.2:8000"]
    assert server.plan().store.current() == record
    assert server.log() == ["serving"]


def test_second_run_has_nothing_to_do(server: Server) -> None:
    server.deploy()
    runner = server.plan()
    assert (runner.actions, runner.differences, server.engine.commands) == ([], [], [])


def test_next_release_starts_beside_the_old_one_which_then_stops(server: Server) -> None:
    first = server.deploy()
    second = server.deploy("2.0")
    assert second.addresses == {"web": "10.0.0.3"}
    assert server.routed_to() == ["http://10.0.0.3:8000"]
    assert server.told()[-2:] == [
        "compose up --detach --no-deps --force-recreate web-ID",
        "compose down --timeout 30",
    ]
    assert server.engine.services() == [f"web-{second.id}"]
    assert server.plan().store.releases() == sorted([first.id, second.id])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "2.0"}, "image shop:2.0 is not here yet"),
        ({"values": {"web": {"literal": {"A": "b"}}}}, "its services, environment or images changed"),
        ({"egress": False}, "its services, environment or images changed"),
    ],
)
def test_reason_of_a_release(server: Server, changes: dict[str, t.Any], reason: str) -> None:
    server.deploy()
    assert server.plan(**changes).actions == [f"deploy shop: {reason}"]


def test_moved_tag_is_not_taken_up_by_a_later_run(server: Server) -> None:
    server.deploy()
    server.engine.images["shop:1.0"] = "sha256:moved"
    assert server.plan().actions == []


def broken_start(server: Server) -> None:
    server.engine.states[image_id("shop:2.0")] = BROKEN


def broken_probe(server: Server) -> None:
    server.problem = "answered 503, expected a status below 500"


def broken_command(server: Server) -> None:
    server.engine.failures["compose run"] = "migration failed"


def broken_traefik(server: Server) -> None:
    server.engine.dynamic = None


def garbled_traefik(server: Server) -> None:
    server.engine.traefik_says = "404 page not found"


BREAKS = [broken_start, broken_probe, broken_command, broken_traefik, garbled_traefik]
EXCLUSIVE: dict[str, t.Any] = {"exclusive": ["web"], "release_command": COMMAND}


@pytest.mark.parametrize("fail", BREAKS, ids=lambda f: f.__name__)
def test_failed_release_is_removed_and_the_old_one_serves_on(server: Server, fail: t.Callable[[Server], None]) -> None:
    first = server.deploy(**EXCLUSIVE)
    fail(server)
    with pytest.raises(ReleaseError, match=r"app shop: release .* was not made"):
        server.deploy("2.0", **EXCLUSIVE)
    assert server.routed_to() == ["http://10.0.0.2:8000"]
    assert server.engine.services() == [f"web-{first.id}"]
    assert [c["State"]["Status"] for c in server.engine.containers.values()] == ["running"]
    assert server.log() == ["serving", "failed"]
    server.engine.dynamic, server.engine.traefik_says = server.dynamic, ""
    assert server.plan(**EXCLUSIVE).actions == []


@pytest.mark.parametrize("fail", [broken_probe, broken_traefik], ids=lambda f: f.__name__)
def test_failed_first_release_leaves_no_route(server: Server, fail: t.Callable[[Server], None]) -> None:
    fail(server)
    with pytest.raises(ReleaseError):
        server.deploy()
    assert server.routed_to() == []
    assert server.engine.services() == []
    assert server.plan().store.current() is None


def test_exclusive_service_stops_before_its_successor_starts(server: Server) -> None:
    server.deploy(**EXCLUSIVE)
    server.deploy("2.0", **EXCLUSIVE)
    told = [c.split("#")[0] for c in server.told()]
    assert told.index("stop web-ID") < told.index("compose up --detach --no-deps --force-recreate web-ID")


def test_stopped_container_is_started_again(server: Server) -> None:
    record = server.deploy()
    (container,) = server.engine.containers.values()
    container["State"] = {"Status": "exited", "ExitCode": 0}
    runner = server.plan()
    assert runner.actions == [f"start web-{record.id} exited: is exited"]
    assert runner.apply() == record
    assert server.plan().actions == []


def test_route_file_is_repaired(server: Server) -> None:
    server.deploy()
    (server.dynamic / "app-shop.yml").unlink()
    runner = server.plan()
    assert runner.actions == ["write route file app-shop.yml"]
    runner.apply()
    assert server.routed_to() == ["http://10.0.0.2:8000"]


def test_lost_tag_is_set_again_and_a_lost_image_means_a_new_release(server: Server) -> None:
    record = server.deploy()
    del server.engine.images[f"berth/shop-web:{record.id}"]
    runner = server.plan()
    assert runner.actions[0] == "tag image of web"
    server.engine.images.clear()
    assert server.plan().actions == ["deploy shop: the image of web is gone"]


def test_release_whose_image_is_gone_is_made_anew(server: Server) -> None:
    server.deploy()
    server.engine.images.clear()
    server.engine.commands.clear()
    assert server.deploy().status == "serving"
    assert [command for command in server.engine.commands if command.startswith("pull")] == ["pull --quiet shop:1.0"]


def test_route_of_an_app_that_has_none_any_more_goes(server: Server) -> None:
    server.deploy()
    server.deploy(routes=[], edge="", networks=[])
    assert server.routed_to() == []


def test_sources_that_are_not_there_are_named_once_and_built(server: Server) -> None:
    build = {"context": "/src", "digest": "d1", "image": "berth-build/shop-source:1"}
    changes: dict[str, t.Any] = {
        "services": {"web": {"build": "."}, "job": {"build": "."}},
        "builds": {"web": build, "job": build},
    }
    runner = server.plan(**changes)
    directory = f"{server.root}/apps/shop/source/d1"
    assert runner.missing_sources == [{"context": "/src", "directory": directory}]
    pathlib.Path(directory).mkdir(parents=True)
    assert server.plan(**changes).missing_sources == []
    server.deploy(**changes)
    built = [c for c in server.told() if c.startswith("build")]
    assert built == [f"build --quiet --tag {build['image']} --file {directory}/Dockerfile {directory}"]


def test_old_releases_are_pruned_with_their_images(server: Server) -> None:
    releases = [server.deploy(version, keep=1) for version in ("1.0", "2.0", "3.0")]
    kept = set(server.plan().store.releases())
    assert releases[-1].id in kept
    assert len(kept) < 3
    assert {i.split(":")[1] for i in server.engine.images if i.startswith("berth/")} == kept


def test_images_of_a_service_that_is_no_more_are_pruned_too(server: Server) -> None:
    services: t.Any = {"web": {"image": "shop:1.0"}, "old": {"image": "shop:2.0"}}
    server.deploy(services=services)
    server.deploy("3.0", keep=0)
    assert [i for i in server.engine.images if i.startswith("berth/shop-old")] == []


def test_deploys_of_an_app_do_not_overlap(server: Server) -> None:
    runner = server.plan()
    with runner.store.lock(), pytest.raises(ReleaseError, match="another deploy is running"):
        runner.apply()
    assert server.engine.commands == []


def test_interrupted_deploy_is_finished_by_the_next_run(server: Server) -> None:
    """A run that died after the switch leaves the old release running and the new record unfinished."""
    server.deploy()
    runner = server.plan(version="2.0")
    runner._stop_others = lambda _release: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        runner.apply()
    again = server.plan(version="2.0")
    assert [action.split()[0] for action in again.actions] == ["finish", "stop"]
    record = again.apply()
    assert (record.status, again.store.record(record.id)) == ("serving", record)
    assert server.plan(version="2.0").actions == []
