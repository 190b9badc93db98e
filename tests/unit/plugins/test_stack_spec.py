# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._stack import Attachment
from ansible_collections.berth.server.plugins.module_utils._stack_spec import (
    Look,
    StackSpec,
    found_container,
    image_references,
)

from tests.unit.plugins.engine import Engine


def test_look_groups_containers_by_project_without_one_offs(engine: Engine) -> None:
    engine.images["web:1"] = "sha256:1"
    engine.add("a", "web")
    engine.add("b", "db")
    engine.add("a", "tool")["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    engine.add("", "bare", Config={"Labels": {}})
    look = Look.at(Docker(engine.run), ["web:1", "gone:1"])
    assert {project: [c["Name"] for c in found] for project, found in look.containers.items()} == {
        "a": ["/a-web"],
        "b": ["/b-db"],
    }
    assert look.images == {"web:1": "sha256:1"}
    assert look.networks == {"bridge": "id-bridge"}


def test_bare_server_has_nothing_where_it_may_be_bare_and_is_an_error_elsewhere() -> None:
    bare = Docker(lambda _argv: (1, "", "Cannot connect to the Docker daemon"))
    assert Look.at(bare, ["web:1"], may_be_bare=True) == Look({}, {}, {})
    with pytest.raises(DockerError, match="No Docker engine answers on this server: run the docker role first"):
        Look.at(bare, ["web:1"])


def test_spec_names_its_compose_files_and_images() -> None:
    spec = StackSpec("p", "/d", {"services": {"a": {"image": "x:1"}, "b": {"image": "y:1"}}})
    assert spec.compose_files == ["/d/compose.yml", "/d/environment.yml"]
    assert image_references(spec) == ["x:1", "y:1"]


NETWORK: dict[str, t.Any] = {"NetworkID": "id-net", "IPAMConfig": {"IPv4Address": "10.0.0.2"}, "Aliases": ["web"]}


@pytest.mark.parametrize(
    ("status", "networks", "expected"),
    [
        pytest.param("running", {"net": NETWORK}, {"net": Attachment("10.0.0.2", frozenset({"web"}))}, id="attached"),
        pytest.param("running", {"net": {**NETWORK, "NetworkID": "gone"}}, {}, id="network was made anew"),
        pytest.param(
            "exited",
            {"net": {**NETWORK, "NetworkID": "", "Aliases": None, "IPAMConfig": None}},
            {"net": Attachment()},
            id="stopped",
        ),
        pytest.param("running", {"host": {"NetworkID": "x"}}, {}, id="host"),
        pytest.param("running", None, {}, id="none at all"),
    ],
)
def test_found_container(engine: Engine, status: str, networks: t.Any, expected: dict[str, Attachment]) -> None:
    inspected = engine.add("p", "web", State={"Status": status, "ExitCode": 7}, NetworkSettings={"Networks": networks})
    inspected["Config"]["Labels"]["berth.config"] = "c1"
    found = found_container(inspected, {"net": "id-net", "host": "id-host"})
    assert (found.service, found.config, found.state, found.exit_code) == ("web", "c1", status, 7)
    assert found.networks == expected
