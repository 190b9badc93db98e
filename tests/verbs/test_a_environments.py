"""Three environments share app files: each has its own hosts, versions, sizes, apps, secrets and certificates."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.server import Server
from tests.verbs.environments import HOSTS, Environments


def limits(server: Server) -> dict[str, int]:
    """Return service -> memory limit in MiB, of the app web and of its Redis."""
    lines = server("docker", "ps", "--filter", "label=berth.service=web", "--format", "'{{.Names}}'").split()
    inspected = json.loads(server("docker", "inspect", *lines))
    memory = server("docker", "exec", "redis-web-queue", "grep", "maxmemory", "/etc/redis/berth/redis.conf")
    found = dict(line.split(" ", 1) for line in memory.splitlines())
    return {"web": inspected[0]["HostConfig"]["Memory"] >> 20, "redis": int(found["maxmemory"].removesuffix("mb"))}


@pytest.mark.parametrize(
    ("environment", "version", "expected", "apps"),
    [
        ("production", "1.4.2", {"web": 512, "redis": 256}, ["web"]),
        ("development", "1.5.0", {"web": 256, "redis": 64}, ["styleguide", "web"]),
        ("staging", "1.5.0", {"web": 256, "redis": 128}, ["styleguide", "web"]),
    ],
)
def test_each_environment_runs_from_the_shared_files(
    environments: Environments,
    server: Server,
    environment: str,
    version: str,
    expected: dict[str, int],
    apps: list[str],
) -> None:
    if environment == "production":
        assert "deploy web: first release" in environments.good(environment, "site.yml", "--check", "--diff")
    environments.good(environment, "site.yml")
    assert environments.get(environment, "/environment") == (200, environment)
    assert environments.get(environment, "/db") == (200, "kept")
    assert limits(server) == expected
    images = server("docker", "ps", "--filter", "label=berth.app", "--format", "'{{.Label \"berth.app\"}}'").split()
    assert sorted(set(images)) == apps
    record = json.loads(server("cat", "/srv/berth/apps/web/current/release.json"))
    assert record["version"] == version


def test_a_second_run_of_an_environment_changes_nothing(environments: Environments) -> None:
    assert "changed=0 " in environments.good("staging", "site.yml")


def test_each_has_secrets_of_its_own(environments: Environments) -> None:
    values = [environments.secrets(environment)["web/postgres/web"] for environment in HOSTS]
    assert len(set(values)) == 3
