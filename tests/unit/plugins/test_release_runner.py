# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import shutil
import typing as t

import pytest
import yaml
from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError

from tests.unit.plugins.builders import Server, route
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
        "compose run --rm --no-deps --no-TTY --interactive=false release-command",
        "compose up --detach --no-deps --force-recreate web-ID",
    ]
    assert (record.status, record.version, record.by, record.error) == ("serving", "1.0", "me@here", "")
    assert record.images == {"web": {"reference": "shop:1.0", "id": image_id("shop:1.0")}}
    assert record.addresses == {"web": ["10.0.0.2"]}
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
    assert second.addresses == {"web": ["10.0.0.3"]}
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


REFUSED = '{"level": "error", "message": "Cannot start the provider"}'


def test_refused_routes_stop_a_release_before_anything_else_happens(server: Server) -> None:
    server.deploy(**EXCLUSIVE)
    server.engine.trial_log = REFUSED
    with pytest.raises(ReleaseError, match=r"(?s)was not made: .*Traefik refused .*Cannot start the provider"):
        server.deploy("2.0", **EXCLUSIVE)
    assert [c for c in server.told() if c.startswith(("stop", "compose run", "compose up"))] == []
    assert server.routed_to() == ["http://10.0.0.2:8000"]


def test_refused_routes_of_a_release_that_serves_are_not_written(server: Server) -> None:
    server.deploy()
    before = (server.dynamic / "app-shop.yml").read_text(encoding="utf-8")
    server.engine.trial_log = REFUSED
    with pytest.raises(TraefikError, match="Cannot start the provider"):
        server.deploy(routes=[route(middlewares={"x": {"compres": {}}})])
    assert (server.dynamic / "app-shop.yml").read_text(encoding="utf-8") == before


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


def test_network_with_another_range_gives_the_release_other_addresses(server: Server) -> None:
    record = server.deploy()
    server.engine.subnet = "10.9.0.0/24"
    runner = server.plan()
    assert any("has address 10.0.0.2, expected 10.9.0.2" in action for action in runner.actions)
    assert runner.apply().id == record.id
    assert server.routed_to() == ["http://10.9.0.2:8000"]
    current = server.plan().current
    assert current
    assert current.addresses == {"web": ["10.9.0.2"]}


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
    assert runner.missing_sources == [{"context": "/src", "directory": directory, "below": ""}]
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
    runner._others.stop = lambda _release: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        runner.apply()
    again = server.plan(version="2.0")
    assert [action.split()[0] for action in again.actions] == ["finish", "stop"]
    record = again.apply()
    assert (record.status, again.store.record(record.id)) == ("serving", record)
    assert server.plan(version="2.0").actions == []


def given(content: str, path: str = "private/web/key-1") -> dict[str, t.Any]:
    """Return what ``resolve`` says of a service with a file."""
    return {"web": {"literal": {}, "compose": {}, "files": [{"path": path, "mode": "0440", "literal": content}]}}


WITH_FILE: t.Any = {
    "services": {"web": {"image": "shop:1.0", "volumes": [{"type": "bind", "source": "./private/web/key-1"}]}}
}
MOUNT: t.Any = {
    "services": {"web": {"image": "shop:1.0", "volumes": [{"type": "bind", "source": "../../files/d1/content/a"}]}},
    "mounts": [{"context": "/src/a", "digest": "d1"}],
}


def test_files_are_part_of_the_release_and_nobody_elses(server: Server) -> None:
    record = server.plan(given("hunter2"), **WITH_FILE).apply()
    path = server.root / "apps/shop/releases" / record.id / "private/web/key-1"
    assert path.read_text(encoding="utf-8") == "hunter2"
    assert path.stat().st_mode & 0o777 == 0o440
    assert path.parents[1].stat().st_mode & 0o777 == 0o700
    assert server.plan(given("hunter2"), **WITH_FILE).actions == []
    assert server.plan(given("hunter3"), **WITH_FILE).actions == [
        "deploy shop: its services, environment or images changed"
    ]


@pytest.mark.parametrize(
    ("entry", "content"),
    [({"literal": "$VERSION"}, b"$VERSION"), ({"compose": "$VERSION$$"}, b"1.0$"), ({"base64": "/wA="}, b"\xff\0")],
)
def test_content_of_files(server: Server, entry: dict[str, str], content: bytes) -> None:
    values = {"web": {"files": [{"path": "private/f", "mode": "0444", **entry}]}}
    record = server.plan(values, **WITH_FILE).apply()
    assert (server.root / "apps/shop/releases" / record.id / "private/f").read_bytes() == content


def test_file_that_needs_a_version_says_so(server: Server) -> None:
    values = {"web": {"files": [{"path": "private/f", "mode": "0444", "compose": "$VERSION"}]}}
    with pytest.raises(ReleaseError, match="Set version"):
        server.plan(values, version=None, services={"web": {"image": "shop:1.0"}})


def test_edited_file_is_written_again_and_its_reader_restarted(server: Server) -> None:
    record = server.plan(given("hunter2"), **WITH_FILE).apply()
    path = server.root / "apps/shop/releases" / record.id / "private/web/key-1"
    path.write_text("edited", encoding="utf-8")
    runner = server.plan(given("hunter2"), **WITH_FILE)
    assert runner.actions == [f"restart web-{record.id}: asked for", "write private/web/key-1"]
    assert "hunter2" not in str(runner.differences)
    runner.apply()
    assert path.read_text(encoding="utf-8") == "hunter2"
    assert server.plan(given("hunter2"), **WITH_FILE).actions == []


def test_content_to_mount_is_asked_for_and_kept_while_a_release_mounts_it(server: Server) -> None:
    directory = server.root / "apps/shop/files/d1"
    assert server.plan(**MOUNT).missing_sources == [
        {"context": "/src/a", "directory": str(directory), "below": "content"}
    ]
    (directory / "content").mkdir(parents=True)
    record = server.plan(**MOUNT).apply()
    assert record.mounts == ["d1"]
    assert server.plan(**MOUNT).missing_sources == []
    server.deploy("2.0")
    assert directory.is_dir()
    server.deploy("3.0", keep=0)
    assert not directory.exists()


def test_lost_content_is_brought_again_and_its_reader_restarted(server: Server) -> None:
    (server.root / "apps/shop/files/d1/content").mkdir(parents=True)
    record = server.plan(**MOUNT).apply()
    shutil.rmtree(server.root / "apps/shop/files/d1")
    assert server.plan(**MOUNT).actions == [
        f"bring {server.root}/apps/shop/files/d1",
        f"restart web-{record.id}: asked for",
    ]


def test_each_replica_is_probed_routed_and_kept(server: Server) -> None:
    services: t.Any = {"web": {"image": "shop:1.0", "deploy": {"replicas": 3}}}
    record = server.deploy(services=services)
    assert record.addresses == {"web": ["10.0.0.2", "10.0.0.3", "10.0.0.4"]}
    assert server.engine.services() == sorted(f"web-{n}{record.id}" for n in ("", "2-", "3-"))
    route = yaml.safe_load((server.dynamic / "app-shop.yml").read_text(encoding="utf-8"))
    servers = route["http"]["services"]["shop-0"]["loadBalancer"]["servers"]
    assert [s["url"] for s in servers] == [f"http://10.0.0.{n}:8000" for n in (2, 3, 4)]
    assert server.plan(services=services).actions == []


def running_one_off(server: Server, release: str, service: str) -> dict[str, t.Any]:
    """Put something into a release that runs once; return it as ``docker inspect`` shows it."""
    container = server.engine.add(f"shop-{release}", service, Id=f"{service}#{release}")
    container["Config"]["Labels"] |= {
        "com.docker.compose.oneoff": "True",
        "berth.app": "shop",
        "berth.release": release,
        "berth.service": service,
    }
    container["NetworkSettings"]["Networks"][f"shop-{release}_default"] = {"NetworkID": "x"}
    return container


def test_job_ends_in_the_release_that_it_began_in(server: Server) -> None:
    first = server.deploy()
    job = running_one_off(server, first.id, "job-cleanup")
    second = server.deploy("2.0", keep=1)
    assert server.engine.services() == ["job-cleanup", f"web-{second.id}"]
    assert job["State"]["Status"] == "running"
    assert f"shop-{first.id}_default" in server.engine.networks
    assert first.id in server.plan(version="2.0").store.releases()
    assert server.plan(version="2.0").actions == []

    del server.engine.containers[job["Id"]]
    runner = server.plan(version="2.0")
    assert runner.actions == [f"remove network shop-{first.id}_default: what ran on it has ended"]
    runner.apply()
    assert f"shop-{first.id}_default" not in server.engine.networks
    assert server.plan(version="2.0").actions == []


@pytest.mark.parametrize(
    ("service", "state"), [("release-command", "running"), ("job-cleanup", "exited")], ids=["command", "ended job"]
)
def test_what_does_not_end_by_itself_goes_with_its_release(server: Server, service: str, state: str) -> None:
    first = server.deploy()
    running_one_off(server, first.id, service)["State"]["Status"] = state
    second = server.deploy("2.0")
    assert server.engine.services() == [f"web-{second.id}"]
    assert f"shop-{first.id}_default" not in server.engine.networks


def test_tag_that_moved_is_taken_up_only_when_a_deploy_asks_for_it(server: Server) -> None:
    first = server.deploy()
    server.engine.images["shop:1.0"] = "sha256:moved"
    assert server.plan(version="1.0").actions == []
    asked = server.plan(asked="", version="1.0")
    assert asked.pulled == ["shop:1.0"]
    assert asked.actions == ["deploy shop: its services, environment or images changed"]
    assert asked.apply().images["web"]["id"] != first.images["web"]["id"]
    assert server.plan(version="1.0").actions == []


def test_version_that_a_deploy_asks_for_is_kept_by_later_runs(server: Server) -> None:
    assert server.plan(asked="2.0", version=None).apply().version == "2.0"
    assert server.plan(version=None).actions == []
    assert server.plan(asked="", version=None).actions == []


def test_image_that_cannot_be_pulled_changes_nothing(server: Server) -> None:
    server.deploy()
    server.engine.registry.clear()
    with pytest.raises(ReleaseError, match=r"app shop: no release was made: .*not found"):
        server.plan(asked="", version="1.0").pull()
