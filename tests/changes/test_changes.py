"""One change at a time on a finished server: check mode says it, the run does it, and nothing else happens.

The changes follow one another, each on top of those before, so that none has to be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.server import Playbook, Server
from tests.changes.effects import Effect, Look, announced, observed
from tests.changes.inventory import Inventory

SLEEPER = {"image": "debian:trixie-slim", "init": True, "command": ["sleep", "infinity"]}
WEB = {
    "image": "python:3.13-slim-trixie",
    "stop_signal": "SIGINT",
    "command": ["python", "-m", "http.server", "8000", "--directory", "/srv"],
}
CERTIFICATE = {
    ("task", "traefik : certificate"),
    ("traefik", "write dynamic/berth-certificates.yml"),
}


@dataclass(frozen=True)
class Change:
    """A change, and all that it may do. ``secrets``: whether it needs new ones. ``quick``: runs in `make test` too."""

    name: str
    make: Callable[[Inventory, Server], object]
    effects: set[Effect]
    secrets: bool = False
    quick: bool = False


def in_app(app: str, **changes: object) -> Callable[[Inventory, Server], object]:
    return lambda inventory, _server: inventory.app(app, **changes)


def in_variables(**changes: object) -> Callable[[Inventory, Server], object]:
    return lambda inventory, _server: inventory.variables(**changes)


def on_server(*command: str) -> Callable[[Inventory, Server], object]:
    return lambda _inventory, server: server(*command)


def container_of(app: str, service: str, *command: str) -> Callable[[Inventory, Server], object]:
    """Return what runs a docker command on the container of an app's service."""

    def make(_inventory: Inventory, server: Server) -> None:
        (found,) = [name for name in server.containers() if name.startswith(f"{app}-{service}-")]
        server("docker", *command, found)

    return make


def new_edition(inventory: Inventory, _server: Server) -> None:
    page = inventory.source / "server.py"
    page.write_text(page.read_text(encoding="utf-8").replace("first edition", "second edition"), encoding="utf-8")


CHANGES = [
    Change("nothing", lambda *_: None, set(), quick=True),
    Change("a variable of an app", in_app("notes", env={"COLOUR": "red"}), {("notes", "deploy")}, quick=True),
    Change("a release command", in_app("shop", release_command={"command": ["true"]}), {("shop", "deploy")}),
    Change(
        "an image's tag",
        in_app("clock", services={"tick": {"image": "debian:bookworm-slim"}}),
        {("clock", "deploy")},
    ),
    Change("a command", in_app("clock", services={"tick": {"command": ["sleep", "86400"]}}), {("clock", "deploy")}),
    Change(
        "a health check",
        in_app("notes", services={"web": {"healthcheck": {"interval": "20s"}}}),
        {("notes", "deploy")},
    ),
    Change(
        "a volume",
        in_app("clock", volumes={"cache": {"backup": "none"}}, services={"tick": {"volumes": ["cache:/cache"]}}),
        {("clock", "deploy")},
    ),
    Change("a service more", in_app("feed", services={"second": SLEEPER}), {("feed", "deploy")}),
    Change("a service less", in_app("feed", services={"second": None}), {("feed", "deploy")}),
    Change("a file that an image is built from", new_edition, {("pages", "deploy")}),
    Change(
        "a route more",
        in_app(
            "feed",
            routes=[
                {"hosts": ["pages.berth.localhost"], "path": "/srv", "service": "web", "port": 8000, "health": "/srv/"},
                {"hosts": ["notes.berth.localhost"], "path": "/feed", "service": "web", "port": 8000},
            ],
        ),
        {("feed", "write route file app-feed.yml")},
    ),
    Change(
        "a host",
        in_app("shop", routes=[{"hosts": ["store.berth.localhost"], "service": "web", "port": 8000}]),
        {("shop", "write route file app-shop.yml"), *CERTIFICATE},
    ),
    Change(
        "a limit of a Redis",
        in_app("notes", redis={"queue": {"maxmemory": "24mb"}}),
        {
            ("redis-notes-queue", "recreate redis-notes-queue"),  # the limit of its container follows
            ("redis-notes-queue", "write compose.yml"),
            ("redis-notes-queue", "write configuration/redis.conf"),
        },
        quick=True,
    ),
    Change(
        "a policy of a Redis",
        in_app("notes", redis={"queue": {"policy": "allkeys-lru"}}),
        {("redis-notes-queue", "restart redis-notes-queue"), ("redis-notes-queue", "write configuration/redis.conf")},
    ),
    Change(
        "a parameter of Postgres that a reload brings",
        in_variables(postgres_instances={"main": {"parameters": {"log_min_duration_statement": "250ms"}}}),
        {("postgres-main", "signal postgres-main SIGHUP"), ("postgres-main", "write configuration/postgresql.conf")},
        quick=True,
    ),
    Change(
        "a parameter of Postgres that a restart brings",
        in_variables(postgres_instances={"main": {"parameters": {"max_connections": 60}}}),
        {("postgres-main", "restart postgres-main"), ("postgres-main", "write configuration/postgresql.conf")},
    ),
    Change(
        "a database",
        in_app("feed", postgres={"feed": {"env": {"DATABASE_URL": "postgresql://{user}:{password}@{host}/{name}"}}}),
        {
            ("engine", "create network postgres-main-feed"),
            ("postgres-main", "connect postgres-main postgres-main-feed"),
            ("postgres-main", "write compose.yml"),
            ("task", "postgres : databases"),
            ("feed", "deploy"),
        },
        secrets=True,
    ),
    Change(
        "an extension",
        in_app("feed", postgres={"feed": {"extensions": ["pg_trgm"]}}),
        {("task", "postgres : databases")},
    ),
    Change(
        "a Redis more",
        in_app("pages", redis={"cache": {"maxmemory": "8mb", "persistence": "none"}}),
        {
            ("engine", "create network redis-pages-cache"),
            ("redis-pages-cache", "create redis-pages-cache"),
            ("pages", "deploy"),
        },
        secrets=True,
    ),
    Change(
        "a static option of Traefik",
        in_variables(traefik_static={"log": {"level": "WARN"}}),
        {("traefik", "restart traefik"), ("traefik", "write static/traefik.yml")},
    ),
    Change(
        "a dynamic option of Traefik",
        in_variables(traefik_dynamic={"http": {"middlewares": {"own": {"addPrefix": {"prefix": "/own"}}}}}),
        {("traefik", "write dynamic/berth.yml")},
    ),
    Change(
        "a setting of the Docker daemon",
        in_variables(docker_daemon={"max-concurrent-downloads": 4}),
        {("engine", "write /etc/docker/daemon.json"), ("engine", "restart docker.service")},
    ),
    Change(
        "a network",
        in_variables(docker_networks={"shared": {"internal": True}}),
        {("engine", "create network shared")},
    ),
    Change(
        "an app beside four others",
        in_app(
            "guest",
            services={"web": WEB},
            routes=[{"hosts": ["guest.berth.localhost"], "service": "web", "port": 8000}],
            drain="2s",
        ),
        {
            ("engine", "create network edge-guest"),
            ("traefik", "connect traefik edge-guest"),
            ("traefik", "write compose.yml"),
            ("guest", "deploy"),
            *CERTIFICATE,
        },
        quick=True,
    ),
    Change("a tag that moved", on_server("docker", "tag", "debian:trixie-slim", "python:3.13-slim-trixie"), set()),
    Change(
        "a container removed by hand",
        container_of("notes", "worker", "rm", "--force"),
        {("notes", "create worker")},
        quick=True,
    ),
    Change("a container stopped by hand", container_of("guest", "web", "stop", "--time=1"), {("guest", "start web")}),
    Change(
        "a file edited by hand",
        on_server("sed", "-i", "s/24mb/25mb/", "/srv/berth/redis/notes-queue/configuration/redis.conf"),
        {("redis-notes-queue", "write configuration/redis.conf")},
        quick=True,
    ),
]


@pytest.fixture(autouse=True)
def settled(finished: None, playbook: Playbook, request: pytest.FixtureRequest) -> Iterator[None]:  # noqa: ARG001
    """After a change that failed the next one starts from what the inventory says all the same."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        playbook.text("site.yml")


@pytest.mark.parametrize(
    "change",
    [pytest.param(c, id=c.name.replace(" ", "-"), marks=[] if c.quick else pytest.mark.slow) for c in CHANGES],
)
def test_a_run_does_what_check_mode_said(
    change: Change, inventory: Inventory, playbook: Playbook, server: Server
) -> None:
    change.make(inventory, server)
    if change.secrets:
        playbook("playbooks/secrets.yml")
    before = Look.at(server)

    planned = playbook("site.yml", "--check", "--diff")
    assert Look.at(server) == before, "check mode changed the server"
    said = announced(planned)

    done = playbook("site.yml", "--diff")
    after = Look.at(server)
    did = announced(done)

    assert said == did
    assert observed(before, after) == {e for e in announced(done, only_containers=True) if "signal" not in e[1]}
    assert {effect for effect in did if not _of_the_new(effect, did)} == change.effects


def _of_the_new(effect: Effect, did: set[Effect]) -> bool:
    """Tell whether it is one of the files that a new stack comes with."""
    stack, what = effect
    return what.startswith("write ") and (stack, f"create {stack}") in did
