"""Mistakes in app files and role variables: all found in one run of site.yml, before anything on the server changes."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REMOVED = object()
# Secrets that the environment has, of each app.
GIVEN = [("postgres", "shop"), ("postgres", "shop-db"), ("postgres", "postgres"), ("redis", "queue")]
SECRET = "{{ lookup('berth.server.secret', '%s') }}"


def app(name: str) -> dict[str, Any]:
    """Return an app without a mistake."""
    return {
        "version": "1.0",
        "services": {"web": {"image": "registry.example.com/web:${VERSION}"}},
        "env": {"MODE": "production"},
        "routes": [{"hosts": [f"{name}.example.com"], "service": "web", "port": 8000}],
        "volumes": {"data": {"backup": "files"}},
    }


class Mistake:
    """A value at a place of an app that is otherwise right, and what is said about it after ``app <name>: ``."""

    def __init__(self, place: str, value: Any, *said: str) -> None:
        """Each of ``said`` is a message, or its beginning where it ends with three dots."""
        self.place, self.value, self.said = place, value, said


def unexpected(problems: list[str], expected: list[str]) -> list[str]:
    """Return the problems that nothing expected, and after them what was expected and not found."""
    left = list(problems)
    missed = []
    for said in expected:
        found = [p for p in left if p == said or (said.endswith("...") and p.startswith(said[:-3]))]
        if found:
            left.remove(found[0])
        else:
            missed.append(f"not found: {said}")
    return left + missed


APP_MISTAKES = [
    Mistake(
        "versoin",
        "1",
        "file: found 'versoin', expected one of the keys...",
    ),
    Mistake("version", "a b", "version: found 'a b', expected at most 128 letters, digits, '_', '.' and '-'"),
    Mistake(
        "services",
        {},
        "services: found 'none', expected at least one service, here or in the files of compose",
        "routes[0].service: found 'web', expected a service, of which there is none",
    ),
    Mistake("services.web", "nginx", "services.web: found 'str', expected a mapping with a Compose service's keys"),
    Mistake(
        "services.Web",
        {"image": "x"},
        "services.Web: found 'Web', expected 2 to 31 lower case letters,...",
    ),
    Mistake(
        "services.web.ports",
        ["8000:8000"],
        "services.web.ports: found ['8000:8000'], expected no published port; use routes",
    ),
    Mistake(
        "services.web.container_name",
        "web",
        "services.web.container_name: found 'web', expected no container_name; releases run beside each other",
    ),
    Mistake(
        "services.web.network_mode",
        "host",
        "services.web.network_mode: found 'host', expected service:<name>, or none; no other's namespace",
    ),
    Mistake("services.web.image", REMOVED, "services.web: found 'neither', expected either image or build"),
    Mistake(
        "services.web.build",
        ".",
        "services.web: found 'both', expected either image or build",
        "services.web.build: found 'no source', expected source...",
    ),
    Mistake(
        "services.web.image",
        "web:${TAG}",
        "services.web.image: found '${TAG}', expected no variable but ${VERSION}; write $$ for a dollar sign",
    ),
    Mistake(
        "services.web.command",
        "echo $",
        "services.web.command: found '$', expected no variable but ${VERSION}; write $$ for a dollar sign",
    ),
    Mistake("services.web.depends_on", ["db"], "services.web.depends_on: found 'db', expected a service (web)"),
    Mistake(
        "services.web.volumes",
        ["uploads:/data"],
        "services.web.volumes[0]: found 'uploads:/data', expected a volume (data), declared under...",
    ),
    Mistake(
        "services.web.volumes",
        ["/etc:/etc"],
        "services.web.volumes[0]: found '/etc', expected a volume of the app, or source in the app file and a path...",
    ),
    Mistake(
        "services.web.environment.EMPTY",
        None,
        "services.web.environment.EMPTY: found 'nothing', expected a text, number or boolean...",
    ),
    Mistake("env.LIST", ["a"], "env.LIST: found 'list', expected a text, number or boolean; write '' for an empty one"),
    Mistake("env.UNDEFINED", "{{ no_such_variable }}", "env.UNDEFINED: 'no_such_variable' is undefined"),
    Mistake(
        "env.SECRET",
        SECRET % "shop/nothing",
        "env.SECRET: secret shop/nothing: not found in secrets.yml. Run the playbook...",
    ),
    Mistake(
        "release_command",
        {"service": "wen", "command": ["migrate"]},
        "release_command.service: found 'wen', expected a service (web)",
    ),
    Mistake(
        "release_command", {"service": "web"}, "release_command: found 'command missing', expected the keys command"
    ),
    Mistake(
        "release_command",
        {"service": "web", "command": ["x"], "timeout": "ten minutes"},
        "release_command.timeout: found 'ten minutes', expected a duration like 500ms, 30s, 5m or 1h",
    ),
    Mistake(
        "routes.0.hosts",
        ["Shop.example.com"],
        "routes[0].hosts: found 'Shop.example.com', expected a host name in lower case, like www.example.com",
    ),
    Mistake("routes.0.hosts", [], "routes[0].hosts: found [], expected at least one host"),
    Mistake("routes.0.port", 70000, "routes[0].port: found 70000, expected a port from 1 to 65535"),
    Mistake("routes.0.port", "http", "routes[0].port: found 'http', expected a whole number"),
    Mistake("routes.0.service", "backend", "routes[0].service: found 'backend', expected a service (web)"),
    Mistake(
        "routes.0.path", "api", "routes[0].path: found 'api', expected a path of URL characters that starts with /"
    ),
    Mistake(
        "routes.0.rate_limit", {"average": 1}, "routes[0].rate_limit: found 'burst missing', expected the keys burst"
    ),
    Mistake(
        "routes.0.heatlh",
        "/",
        "routes[0]: found 'heatlh', expected one of the keys...",
    ),
    Mistake(
        "routes.0.hosts",
        ["m0.example.com"],
        "routes[0]: found 'm0.example.com/', expected something that app m0 routes[0] does not have",
    ),
    Mistake(
        "postgres.shop-db",
        {},
        "postgres.shop-db: found 'shop-db', expected the name of a database: lower case letters,...",
    ),
    Mistake(
        "postgres.shop",
        {"instance": "mian"},
        "postgres.shop.instance: found 'mian', expected a Postgres instance of postgres_instances (Old, main)",
    ),
    Mistake(
        "postgres.postgres",
        {},
        "postgres.postgres: found 'postgres', expected the name of a database: lower case letters,...",
    ),
    Mistake(
        "redis.Queue",
        {},
        "redis.Queue: found 'Queue', expected 2 to 31 lower case letters,...",
    ),
    Mistake("redis.queue", {"persistence": "rdb"}, "redis.queue.persistence: found 'rdb', expected one of..."),
    Mistake("volumes.uploads", {}, "volumes.uploads: found 'backup missing', expected the keys backup"),
    Mistake(
        "volumes.uploads",
        {"backup": "daily"},
        "volumes.uploads.backup: found 'daily', expected one of files, sqlite, duckdb, stop, none",
    ),
    Mistake("exclusive", ["beat"], "exclusive: found 'beat', expected a service (web)"),
    Mistake("drain", "30", "drain: found '30', expected a duration like 500ms, 30s, 5m or 1h"),
    Mistake("egress", "maybe", "egress: found 'maybe', expected true or false"),
    Mistake(
        "services.web.logging",
        {"driver": "syslog"},
        "services.web.logging: found {'driver': 'syslog'}, expected no logging; berth's containers log to the journal",
    ),
    Mistake(
        "services.web.privileged",
        True,
        "services.web.privileged: found True, expected no privileged container; cap_add gives single rights",
    ),
    Mistake(
        "services.web.deploy",
        {"replicas": "many"},
        "services.web.deploy.replicas: found 'many', expected a number from 1 to 50",
    ),
    Mistake(
        "services.web.secrets",
        ["key"],
        "services.web.secrets[0]: found 'key', expected a secret, of which there is none",
    ),
    Mistake("services.web.env_file", ["web.env"], "services.web.env_file: found 'no source', expected source..."),
    Mistake("compose", "compose.yml", "compose: found 'compose.yml', expected source..."),
    Mistake("profiles", "debug", "profiles: found 'debug', expected a profile of a service (of which there is none)"),
    Mistake(
        "jobs.cleanup",
        {"service": "web", "command": ["x"], "schedule": "every day"},
        "jobs.cleanup.schedule: found 'every day', expected a time...",
    ),
    Mistake(
        "jobs.cleanup",
        {"service": "worker", "command": ["x"], "schedule": "03:15"},
        "jobs.cleanup.service: found 'worker', expected a service (web)",
    ),
    Mistake("redis.queue", {"maxmemory": "1"}, "redis.queue.maxmemory: found '1', expected a size..."),
    Mistake("redis.queue", {"policy": "lru"}, "redis.queue.policy: found 'lru', expected one of..."),
    Mistake(
        "routes.0.redirect_from",
        ["a b"],
        "routes[0].redirect_from: found 'a b', expected a host name in lower case, like www.example.com",
    ),
]

VARIABLES: dict[str, Any] = {
    "postgres_instances": {"main": {"version": "17"}, "Old": {"version": "9.6"}},
    "docker_network_pool": "10.0.0.0/33",
    "docker_registries": [{"registry": "registry.example.com", "username": "me"}],
    "docker_registry_mirrors": ["registry.example.com"],
    "redis_instances": {"cache": {"user": "cache", "password": "x", "network": "n", "maxmemory": "lots"}},
    "traefik_acme": {"email": "nobody", "challenge": "http"},
    "traefik_certificates": [{"name": "a/b", "certificate": "x", "private_key": "y"}],
    "postgres_instance": {},
    "docker_daemon": "live-restore",
    "postgres_databases": [{"name": "a", "pasword": "b"}],
    "app_timeout": "soon",
    "app_keep_releases": "{{ keep_releases }}",
}
VARIABLE_MISTAKES = [
    "postgres_instance: found a variable that no role has, expected postgres_instances; else give it another name",
    "app_keep_releases: 'keep_releases' is undefined",
    "app_timeout: found 'soon', expected a whole number",
    "docker_daemon: found str, expected a mapping",
    "docker_network_pool: found '10.0.0.0/33', expected an IPv4...",
    "docker_registry_mirrors[0]: found 'registry.example.com', expected the URL...",
    "docker_registries[0] (registry.example.com): found username, expected username and password, or helper",
    "postgres_databases: found no owner, password, expected these keys",
    "postgres_databases.pasword: found an unknown key, expected one of...",
    "postgres_instances.Old: found 'Old', expected 2 to 31 lower case letters,...",
    'postgres_instances.Old.version: found \'9.6\', expected a version like "17" or "17.5"',
    "redis_instances.cache.network: found 'n', expected the name of one of docker_networks",
    "redis_instances.cache.maxmemory: found 'lots', expected a size...",
    "traefik_acme.email: found 'nobody', expected the address of the ACME account.",
    "traefik_certificates[0].name: found 'a/b', expected letters, digits, dots, hyphens and underscores.",
    "traefik_certificates[0].certificate: found no certificate in it, expected PEM text.",
    "traefik_certificates[0].private_key: found no private key in it, expected PEM text.",
    "secret 'm34/redis/Queue': expected a name like app/secret, in lower case letters,...",
]


def put(definition: dict[str, Any], place: str, value: Any) -> None:
    """Put a value at a dotted place; missing mappings on the way are made."""
    *way, last = place.split(".")
    for key in way:
        definition = definition[int(key)] if isinstance(definition, list) else definition.setdefault(key, {})
    if value is REMOVED:
        del definition[last]
    else:
        definition[last] = value


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Run site.yml on an inventory with every mistake; return the output and the reported problems."""
    directory = tmp_path_factory.mktemp("inventory")
    apps = directory / "apps"
    apps.mkdir()
    for index, mistake in enumerate(APP_MISTAKES):
        definition = copy.deepcopy(app(f"m{index}"))
        put(definition, mistake.place, mistake.value)
        (apps / f"m{index}.yml").write_text(yaml.safe_dump({f"m{index}": definition}), encoding="utf-8")
    names = [f"m{index}/{kind}/{name}" for index in range(len(APP_MISTAKES)) for kind, name in GIVEN]
    (directory / "secrets.yml").write_text(yaml.safe_dump(dict.fromkeys(names, "given")), encoding="utf-8")
    hosts = {"berth": {"hosts": {"here": {"ansible_connection": "local", "ansible_become": False}}, "vars": VARIABLES}}
    (directory / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    # In check mode, lest a mistake that is not found lets the roles loose on this machine.
    argv = [sys.executable, "-m", "ansible", "playbook", "-i", str(directory / "hosts.yml"), "site.yml", "--check"]
    done = subprocess.run(
        argv, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=False
    )
    message = done.stdout.partition("nothing was changed.")[2].partition("PLAY RECAP")[0]
    problems = [line.strip().removeprefix("- ") for line in message.splitlines() if line.strip().startswith("- ")]
    return done.stdout + done.stderr, list(dict.fromkeys(problems))  # Ansible prints an error twice


def test_everything_is_found_at_once_and_nothing_else(run: tuple[str, list[str]]) -> None:
    expected = [f"app m{i}: {said}" for i, mistake in enumerate(APP_MISTAKES) for said in mistake.said]
    problems = [re.sub(r"/\S+/secrets.yml", "secrets.yml", problem) for problem in run[1]]
    assert unexpected(problems, expected + VARIABLE_MISTAKES) == []


def test_the_check_is_the_first_and_the_last_task(run: tuple[str, list[str]]) -> None:
    tasks = [line for line in run[0].splitlines() if line.startswith("TASK [")]
    assert "Check the inventory, and work out what each role needs" in tasks[-1]
    assert "changed=0" in run[0]


def test_there_are_at_least_forty() -> None:
    assert len(APP_MISTAKES) + len(VARIABLE_MISTAKES) >= 40
