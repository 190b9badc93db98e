"""What a run does to a finished server: nothing, or exactly what was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import HEALTH, Outside, Playbook, Server, app_directory, run, secrets


@pytest.fixture
def restored(playbook: Playbook) -> Iterator[None]:
    """Bring the demo's own app back after a test that changed it."""
    yield
    playbook("site.yml")


def test_a_second_run_changes_nothing(playbook: Playbook, server: Server) -> None:
    before = server.containers()
    result = playbook("site.yml")
    assert (result.stats["changed"], result.tasks) == (0, {})
    assert server.containers() == before


def test_check_mode_finds_nothing_to_do(playbook: Playbook) -> None:
    result = playbook("site.yml", "--check", "--diff")
    assert (result.stats["changed"], result.tasks) == (0, {})


@pytest.mark.usefixtures("restored")
def test_one_variable_gives_one_release_and_leaves_everything_else(
    playbook: Playbook, server: Server, outside: Outside, tmp_path: Path
) -> None:
    infrastructure, releases, before = server.infrastructure(), server.releases(), server.current()
    options = app_directory(tmp_path, {"env": {"NOTE": "a new value"}})

    planned = playbook("site.yml", "--check", "--diff", *options)
    assert list(planned.tasks) == ["Make the releases serve"]
    assert server.releases() == releases

    done = playbook("site.yml", *options)
    assert list(done.tasks) == ["Make the releases serve"]
    assert server.infrastructure() == infrastructure
    assert len(set(server.releases()) - set(releases)) == 1
    current = server.current()
    assert current != before
    apps = {name for name in server.containers() if name.startswith("featuremodels-")}
    assert apps == {f"featuremodels-{service}-{current}" for service in ("frontend", "backend", "worker", "beat")}
    assert server("docker", "exec", f"featuremodels-backend-{current}", "printenv", "NOTE").strip() == "a new value"
    assert outside.status(HEALTH) == 200


@pytest.mark.usefixtures("restored")
def test_a_release_that_does_not_start_leaves_the_old_one_serving(
    playbook: Playbook, server: Server, outside: Outside, tmp_path: Path
) -> None:
    before, current = server.containers(), server.current()
    options = app_directory(
        tmp_path, {"release_command": {"command": ["sh", "-c", "echo the schema is broken; exit 3"]}}
    )
    code, said = playbook.text("site.yml", *options)
    assert code != 0
    assert "the schema is broken" in said
    assert secrets()["featuremodels/postgres/featuremodels"] not in said
    assert server.current() == current
    assert server.containers() == before
    assert outside.status(HEALTH) == 200
    last = json.loads(server("tail", "-n", "1", "/srv/berth/apps/featuremodels/log.jsonl"))
    assert last["status"] == "failed"


@pytest.mark.usefixtures("restored")
def test_no_secret_is_ever_shown(playbook: Playbook, tmp_path: Path) -> None:
    options = app_directory(tmp_path, {"env": {"NOTE": "another value"}})
    code, said = playbook.text("site.yml", "-vvv", "--diff", *options)
    assert code == 0, said
    shown = [name for name, value in secrets().items() if value in said]
    assert shown == []


def test_mistakes_in_an_app_file_are_told_at_once_and_change_nothing(
    playbook: Playbook, server: Server, tmp_path: Path
) -> None:
    before = server.containers()
    options = app_directory(
        tmp_path,
        {
            "services": {"frontend": {"build": "frontend", "ports": ["3000:3000"]}},
            "routes": [{"hosts": ["dashboard.berth.localhost"], "service": "fronted", "port": 3000}],
        },
    )
    code, said = playbook.text("site.yml", *options)
    assert code != 0
    assert "app featuremodels: services.frontend.ports: found ['3000:3000'], expected no published port" in said
    assert server.containers() == before


def test_a_removed_and_a_stopped_container_come_back(playbook: Playbook, server: Server, outside: Outside) -> None:
    current, infrastructure = server.current(), server.infrastructure()
    server("docker", "rm", "--force", f"featuremodels-worker-{current}")
    server("docker", "stop", f"featuremodels-frontend-{current}")
    server("docker", "rm", "--force", "redis-featuremodels-queue")
    result = playbook("site.yml")
    assert set(result.tasks) == {"Run each instance", "Make the releases serve"}
    assert server.current() == current
    assert set(server.infrastructure()) == set(infrastructure)
    assert f"featuremodels-worker-{current}" in server.containers()
    outside.wait_for(HEALTH, 30)
    assert playbook("site.yml").stats["changed"] == 0


@pytest.mark.usefixtures("restored")
def test_a_given_certificate_is_served(playbook: Playbook, outside: Outside, tmp_path: Path, server: Server) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=given", "-addext", "subjectAltName=DNS:given.berth.localhost"]
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject,
        "-keyout", key, "-out", certificate)  # fmt: skip
    given = {"name": "given", "certificate": certificate.read_text(), "private_key": key.read_text()}
    before = server.infrastructure()
    playbook("site.yml", "--extra-vars", json.dumps({"traefik_certificates": [given]}))
    hello = ["openssl", "s_client", "-connect", f"{server.address}:443", "-servername", "given.berth.localhost"]
    served = outside("sh", "-c", f"{' '.join(hello)} </dev/null | openssl x509 -noout -subject")
    assert "given" in served
    assert outside.status(HEALTH) == 200
    assert server.infrastructure() == before
