# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError


class Answers:
    """Answers every command in turn, and keeps them."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers)
        self.commands: list[list[str]] = []

    def __call__(self, argv: list[str]) -> tuple[int, str, str]:
        self.commands.append(argv)
        return self.answers.pop(0)


COMPOSE = ["docker", "compose", "--project-name", "p", "--env-file", "/dev/null"]


def test_call_runs_docker_without_a_shell() -> None:
    run = Answers((0, "out\n", "warning"))
    assert Docker(run)("tag", "a; rm -rf /", "$(b)") == "out\n"
    assert run.commands == [["docker", "tag", "a; rm -rf /", "$(b)"]]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param((1, "", "no such image\n"), r"docker pull x failed \(1\): no such image\Z", id="stderr"),
        pytest.param((1, "said on stdout", ""), "said on stdout", id="stdout, where stderr is empty"),
        pytest.param((1, "", "x" * 5000), r"\(1\): x{2000}\Z", id="the end of much"),
    ],
)
def test_failure_names_the_command_and_what_docker_said(answer: tuple[int, str, str], expected: str) -> None:
    with pytest.raises(DockerError, match=expected):
        Docker(Answers(answer))("pull", "x")


def test_failure_of_a_long_command_is_shortened() -> None:
    with pytest.raises(DockerError, match=r"docker pull x{295} \.\.\. failed"):
        Docker(Answers((1, "", "no")))("pull", "x" * 500)


def test_is_there() -> None:
    def no_client(argv: list[str]) -> tuple[int, str, str]:
        raise FileNotFoundError(argv[0])

    assert Docker(Answers((0, "26.1.5", ""))).is_there()
    assert not Docker(Answers((1, "", "Cannot connect to the Docker daemon"))).is_there()
    assert not Docker(no_client).is_there()


def test_containers_are_inspected_in_one_call() -> None:
    run = Answers((0, "1\n2\n", ""), (0, '[{"Id": "1"}, {"Id": "2"}]', ""))
    assert Docker(run).containers("label=a", "label=b") == [{"Id": "1"}, {"Id": "2"}]
    assert run.commands == [
        ["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", "label=a", "--filter", "label=b"],
        ["docker", "container", "inspect", "1", "2"],
    ]


def test_no_containers_need_no_inspect() -> None:
    run = Answers((0, "\n", ""))
    assert Docker(run).containers("label=a") == []
    assert len(run.commands) == 1


def test_container_that_went_meanwhile_is_left_out() -> None:
    run = Answers((0, "1\n2\n", ""), (1, '[{"Id": "1"}]', "no such container: 2"))
    assert Docker(run).containers("label=a") == [{"Id": "1"}]


@pytest.mark.parametrize("answer", [(125, "", "broken"), (1, "", "broken"), (2, "[]", "broken")])
def test_failed_inspect_is_an_error(answer: tuple[int, str, str]) -> None:
    with pytest.raises(DockerError, match=r"docker container inspect failed .*broken"):
        Docker(Answers((0, "1", ""), answer)).containers("label=a")


def test_image_ids_in_one_call_where_all_are_there() -> None:
    run = Answers((0, json.dumps([{"Id": "ia"}, {"Id": "ib"}]), ""))
    assert Docker(run).image_ids(["b", "a", "b"]) == {"a": "ia", "b": "ib"}
    assert run.commands == [["docker", "image", "inspect", "a", "b"]]


def test_image_ids_one_by_one_where_some_are_missing() -> None:
    run = Answers((1, '[{"Id": "ib"}]', ""), (1, "[]\n", "no such image"), (0, '[{"Id": "ib"}]', ""))
    assert Docker(run).image_ids(["a", "b"]) == {"b": "ib"}


def test_no_images_need_no_command() -> None:
    assert Docker(Answers()).image_ids([]) == {}


def test_network_ids() -> None:
    assert Docker(Answers((0, "bridge\t1\nedge-shop\t2\n", ""))).network_ids() == {"bridge": "1", "edge-shop": "2"}


def test_compose_reads_no_env_file_of_a_working_directory() -> None:
    run = Answers((0, "out", ""))
    assert Docker(run).compose("p", ["/d/a.yml", "/d/b.yml"], "up", "web") == "out"
    files = ["--file", "/d/a.yml", "--file", "/d/b.yml"]
    assert run.commands == [[*COMPOSE, *files, "--progress", "quiet", "up", "web"]]


def test_compose_under_a_deadline() -> None:
    run = Answers((0, "", ""))
    Docker(run).compose("p", [], "run", timeout=90.0)
    assert run.commands == [
        ["timeout", "--foreground", "--kill-after=10", "90", *COMPOSE, "--progress", "quiet", "run"]
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [(1, r"docker compose run failed \(1\): no"), (124, "docker compose run did not end within 90 s: no")],
)
def test_compose_failure(code: int, expected: str) -> None:
    with pytest.raises(DockerError, match=expected):
        Docker(Answers((code, "", "no"))).compose("p", [], "run", timeout=90)
