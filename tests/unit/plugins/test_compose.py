# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _compose
from ansible_collections.berth.server.plugins.module_utils._compose import (
    interpolate,
    literal,
    render,
    unknown_variables,
    uses_version,
)
from ansible_collections.berth.server.plugins.module_utils._stack_runner import escape
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.builders import resolved_app

RELEASE = "20261120t101500z-1a2b3c4d"
DOLLARS = st.text(alphabet=st.sampled_from("$${}VERSION_a1:-é \n") | st.characters(codec="utf-8"), max_size=30)


@given(text=DOLLARS)
def test_escaped_text_arrives_as_it_is(text: str) -> None:
    assert literal(escape(text), {"VERSION": "1.0"}) == text
    assert unknown_variables(escape(text), ()) == set()
    assert interpolate(escape(text), {"VERSION": "1.0"}) == escape(text)


@pytest.mark.parametrize(
    ("text", "filled", "arrives"),
    [
        ("web:${VERSION}", "web:1.0", "web:1.0"),
        ("web:$VERSION", "web:1.0", "web:1.0"),
        ("$$VERSION", "$$VERSION", "$VERSION"),
        ("$$$VERSION", "$$1.0", "$1.0"),
        ("$VERSIONS", "$VERSIONS", ""),
        ("a$OTHER.", "a$OTHER.", "a."),
        ("${VERSION}${VERSION}", "1.01.0", "1.01.0"),
        ("plain", "plain", "plain"),
        ("", "", ""),
    ],
)
def test_variables_are_filled_in(text: str, filled: str, arrives: str) -> None:
    assert interpolate(text, {"VERSION": "1.0"}) == filled
    assert literal(text, {"VERSION": "1.0"}) == arrives


def test_interpolation_reaches_every_value_and_no_key() -> None:
    value = {"$VERSION": ["$VERSION", {"a": "$VERSION"}, 1, None, True]}
    assert interpolate(value, {"VERSION": "1"}) == {"$VERSION": ["1", {"a": "1"}, 1, None, True]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$VERSION ${VERSION} $$HOME", set()),
        ("$HOME ${PORT}", {"HOME", "PORT"}),
        ("${VERSION:-1}", {"VERSION:-1"}),
        ("${PORT?no port}", {"PORT?no port"}),
        ({"a": ["$A", {"b": "$B"}], "c": 1, "d": None}, {"A", "B"}),
    ],
    ids=["known", "unknown", "default", "error", "nested"],
)
def test_unknown_variables(value: t.Any, expected: set[str]) -> None:
    assert unknown_variables(value, ["VERSION"]) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("$VERSION", True), (["x:${VERSION}"], True), ("$$VERSION", False), ("VERSION", False)]
)
def test_uses_version(value: t.Any, expected: bool) -> None:
    assert uses_version(value) is expected


def test_environment_fills_the_composed_part_alone_and_lets_it_win() -> None:
    app = resolved_app(services={"web": {}, "bare": {}})
    values = {"web": {"literal": {"A": "$VERSION", "B": "b"}, "compose": {"B": "v$VERSION", "C": "$$"}}}
    assert _compose.environment(app, values, "1.0") == {
        "web": {"A": "$VERSION", "B": "v1.0", "C": "$"},
        "bare": {},
        "run-web": {"A": "$VERSION", "B": "v1.0", "C": "$"},
        "run-bare": {},
    }


def rendered(address: str | None = "10.0.0.2", **changes: t.Any) -> dict[str, t.Any]:
    app = resolved_app(**changes)
    images = {service: f"berth/{service}:1" for service in app["services"]}
    return render(app, RELEASE, "1.0", images, {"web": [address]} if address else {})


def logging(service: str) -> dict[str, t.Any]:
    labels = "berth.app,berth.release,berth.service,object.systemd.unit"
    return {"driver": "journald", "options": {"labels": labels, "tag": f"shop/{service}"}}


def test_service_is_rendered() -> None:
    project = rendered()
    del project["services"]["run-web"]
    assert project["services"] == {
        f"web-{RELEASE}": {
            "image": "berth/web:1",
            "container_name": f"shop-web-{RELEASE}",
            "restart": "unless-stopped",
            "security_opt": ["no-new-privileges:true"],
            "networks": {"default": {"aliases": ["web"]}, "edge-shop": {"ipv4_address": "10.0.0.2"}},
            "labels": {"berth.app": "shop", "berth.release": RELEASE, "berth.service": "web"},
            "logging": logging("web"),
        }
    }
    assert project["networks"] == {
        "default": {"internal": False},
        "edge-shop": {"name": "edge-shop", "external": True},
    }


def test_environment_is_not_in_the_project() -> None:
    services = {"web": {"image": "x", "environment": {"KEY": "hunter2"}}}
    assert "hunter2" not in str(rendered(services=services))


def test_compose_words_pass_and_win_over_defaults() -> None:
    own = {"image": "x", "restart": "on-failure:3", "security_opt": ["a"], "command": ["run", "$VERSION"], "tty": True}
    service = rendered(services={"web": own})["services"][f"web-{RELEASE}"]
    assert (service["restart"], service["security_opt"], service["tty"]) == ("on-failure:3", ["a"], True)
    assert service["command"] == ["run", "1.0"]


def test_unquoted_no_is_composes_word() -> None:
    """YAML reads \"restart: no\" as false, which Compose refuses."""
    service = rendered(services={"web": {"image": "x", "restart": False}})["services"][f"web-{RELEASE}"]
    assert service["restart"] == "no"


def test_plain_name_is_an_alias_on_the_releases_own_network_alone() -> None:
    joins = {"web": ["postgres-main-shop"]}
    networks = rendered(joins=joins, networks=["edge-shop", "postgres-main-shop"])["services"][f"web-{RELEASE}"]
    assert networks["networks"] == {
        "default": {"aliases": ["web"]},
        "postgres-main-shop": {},
        "edge-shop": {"ipv4_address": "10.0.0.2"},
    }


def test_without_a_route_there_is_no_edge() -> None:
    project = rendered(None, routes=[], networks=[], edge="")
    assert project["services"][f"web-{RELEASE}"]["networks"].keys() == {"default"}


@pytest.mark.parametrize(("egress", "internal"), [(True, False), (False, True)])
def test_egress(egress: bool, internal: bool) -> None:
    assert rendered(egress=egress)["networks"]["default"] == {"internal": internal}


@pytest.mark.parametrize(
    ("dependencies", "expected"),
    [
        (["db"], {f"db-{RELEASE}": {"condition": "service_started"}}),
        ({"db": {"condition": "service_healthy"}}, {f"db-{RELEASE}": {"condition": "service_healthy"}}),
    ],
    ids=["list", "mapping"],
)
def test_dependencies_follow_the_rendered_keys(dependencies: t.Any, expected: dict[str, t.Any]) -> None:
    services = {"web": {"image": "x", "depends_on": dependencies}, "db": {"image": "y"}}
    assert rendered(services=services)["services"][f"web-{RELEASE}"]["depends_on"] == expected


def test_volumes_are_shared_between_releases() -> None:
    assert rendered(volumes={"up": {"backup": "none"}})["volumes"] == {"up": {"name": "shop_up", "external": True}}


def test_release_command_is_a_one_off_without_an_address() -> None:
    web = {
        "image": "x",
        "healthcheck": {"test": "x"},
        "depends_on": ["web"],
        "command": "serve",
        "volumes": ["up:/up"],
        "restart": "always",
    }
    one_off = rendered(
        services={"web": web},
        joins={"web": ["postgres-main-shop"]},
        release_command={"service": "web", "command": ["migrate", "$VERSION"], "timeout": 600.0},
    )["services"]["release-command"]
    assert one_off == {
        "image": "berth/web:1",
        "security_opt": ["no-new-privileges:true"],
        "volumes": ["up:/up"],
        "command": ["migrate", "1.0"],
        "networks": {"default": {}, "postgres-main-shop": {}},
        "labels": {"berth.app": "shop", "berth.release": RELEASE, "berth.service": "release-command"},
        "logging": logging("release-command"),
        "profiles": ["berth-one-off"],
        "healthcheck": {"disable": True},
        "restart": "no",
    }


def test_one_off_without_a_command_keeps_the_services_own() -> None:
    once = rendered(None, services={"web": {"image": "x", "command": "serve $VERSION"}})["services"]["run-web"]
    assert (once["command"], once["labels"]["berth.service"]) == ("serve 1.0", "run-web")
    assert once["networks"] == {"default": {}}


JOB = {"service": "web", "command": ["clean", "$VERSION"], "schedule": "03:15", "timeout": 60.0}


def test_job_is_a_one_off_that_its_unit_finds() -> None:
    once = rendered(jobs={"cleanup": JOB})["services"]["job-cleanup"]
    assert once["command"] == ["clean", "1.0"]
    assert once["profiles"] == ["berth-one-off"]
    assert once["labels"]["berth.service"] == "job-cleanup"
    assert once["labels"]["object.systemd.unit"] == "berth-shop-cleanup.service"
    assert not {"schedule", "timeout", "service", "unit"} & once.keys()


def test_job_has_its_services_environment_and_its_own() -> None:
    app = resolved_app(jobs={"cleanup": JOB})
    values = {"web": {"literal": {"A": "a", "B": "b"}}, "job-cleanup": {"compose": {"B": "v$VERSION", "C": "$$"}}}
    assert _compose.environment(app, values, "1.0")["job-cleanup"] == {"A": "a", "B": "v1.0", "C": "$"}


def test_rendering_leaves_the_app_as_it_is() -> None:
    services = {"web": {"image": "x:$VERSION", "depends_on": ["web"], "environment": {"A": "b"}}}
    app = resolved_app(services=services)
    render(app, RELEASE, "1.0", {"web": "i"}, {"web": ["10.0.0.2"]})
    assert app == resolved_app(services=services)


def test_routed_services_are_named_once_in_order() -> None:
    routes = [{"service": "b"}, {"service": "a"}, {"service": "b"}]
    assert _compose.routed_services({"routes": routes}) == ["b", "a"]


def test_each_replica_is_a_service_with_an_address_of_its_own() -> None:
    services = {
        "web": {"image": "x", "deploy": {"replicas": 2, "resources": {"limits": {"memory": "1g"}}}},
        "job": {"image": "x", "depends_on": {"web": {"condition": "service_healthy"}}},
    }
    app = resolved_app(services=services)
    project = render(app, RELEASE, "1.0", {"web": "i", "job": "j"}, {"web": ["10.0.0.2", "10.0.0.3"]})["services"]
    assert [n for n in project if n.endswith(RELEASE)] == [f"web-{RELEASE}", f"web-2-{RELEASE}", f"job-{RELEASE}"]
    first, second = project[f"web-{RELEASE}"], project[f"web-2-{RELEASE}"]
    assert [s["container_name"] for s in (first, second)] == [f"shop-web-{RELEASE}", f"shop-web-2-{RELEASE}"]
    assert [s["networks"]["edge-shop"]["ipv4_address"] for s in (first, second)] == ["10.0.0.2", "10.0.0.3"]
    assert first["networks"]["default"] == second["networks"]["default"] == {"aliases": ["web"]}
    assert first["labels"] == second["labels"]
    assert first["deploy"] == {"resources": {"limits": {"memory": "1g"}}}
    assert list(project[f"job-{RELEASE}"]["depends_on"]) == [f"web-{RELEASE}", f"web-2-{RELEASE}"]


def test_what_names_other_services_is_renamed() -> None:
    services = {
        "web": {"image": "x"},
        "beside": {"image": "x", "network_mode": "service:web", "pid": "service:web", "ipc": "service:web"},
        "alone": {"image": "x", "network_mode": "none", "ipc": "shareable"},
    }
    project = rendered(services=services)["services"]
    beside = project[f"beside-{RELEASE}"]
    assert {beside[kind] for kind in ("network_mode", "pid", "ipc")} == {f"service:web-{RELEASE}"}
    assert "networks" not in beside
    alone = project[f"alone-{RELEASE}"]
    assert (alone["network_mode"], alone["ipc"], "networks" in alone) == ("none", "shareable", False)


def test_who_is_waited_for_to_end_is_not_restarted() -> None:
    services = {
        "migrate": {"image": "x"},
        "seed": {"image": "x", "restart": "on-failure"},
        "web": {
            "image": "x",
            "depends_on": {n: {"condition": "service_completed_successfully"} for n in ("migrate", "seed")},
        },
    }
    project = rendered(services=services)["services"]
    assert {n.partition("-")[0]: s["restart"] for n, s in project.items() if n.endswith(RELEASE)} == {
        "migrate": "no",
        "seed": "on-failure",
        "web": "unless-stopped",
    }


def test_labels_and_aliases_are_added_to_berths_own() -> None:
    web = {
        "image": "x",
        "labels": {"team": "a", "empty": None, "number": 1},
        "networks": {"default": {"aliases": ["www"]}},
    }
    service = rendered(services={"web": web})["services"][f"web-{RELEASE}"]
    assert service["labels"] == {
        "team": "a",
        "empty": "",
        "number": "1",
        "berth.app": "shop",
        "berth.release": RELEASE,
        "berth.service": "web",
    }
    assert service["networks"]["default"] == {"aliases": ["web", "www"]}


def test_compose_files_give_way_to_the_app() -> None:
    values = {"web": {"file": {"A": "f", "B": "f$$", "C": "$VERSION"}, "literal": {"A": "$"}, "compose": {"D": "d"}}}
    found = _compose.environment(resolved_app(), values, "1.0")
    assert found["web"] == {"A": "$", "B": "f$", "C": "1.0", "D": "d"}
