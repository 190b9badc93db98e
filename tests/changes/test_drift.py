"""What somebody or something did to a finished server is put right by one run, which names each of it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

import pytest

from tests.acceptance.server import Outside, Playbook, Server

APPS = ("clock", "feed", "notes", "pages", "shop")
RELEASES = "; ".join(f"{app}=$(basename $(readlink /srv/berth/apps/{app}/current))" for app in APPS)
PAGES = ("notes.berth.localhost/count", "shop.berth.localhost/", "pages.berth.localhost/", "pages.berth.localhost/srv/")
PSQL = "docker exec postgres-main psql --quiet --no-align --tuples-only"
AS_OPERATOR = "docker exec redis-shop-cache sh /etc/redis/berth/operate.sh"
HEALTH = "docker inspect --format '{{.State.Health.Status}}'"


@dataclass(frozen=True)
class Drift:
    """``cause``: shell on the server, where ``$notes`` and the like are the apps' current releases.

    ``named``: text of the run's result that tells of it. ``healed``: shell that succeeds when it is put right.
    """

    name: str
    cause: str
    named: str
    healed: str


def psql(statement: str, database: str = "postgres") -> str:
    """Return shell that runs SQL as the superuser."""
    return f"{PSQL} --username=postgres {database} --command {shlex.quote(statement)}"


def answers(statement: str, expected: str, database: str = "postgres") -> str:
    """Return shell that succeeds when SQL answers what is expected."""
    return f'test "$({psql(statement, database)})" = {shlex.quote(expected)}'


# Independent of one another: one run repairs all.
DRIFTS = [
    Drift("a killed container", "docker kill traefik", "start traefik exited: is exited", "docker exec traefik true"),
    Drift(
        "a removed container",
        "docker rm --force notes-worker-$notes",
        "create worker-{notes}: there is no container",
        "docker exec notes-worker-$notes true",
    ),
    Drift(
        "a stopped container",
        "docker stop --time 1 clock-tick-$clock",
        "start tick-{clock} exited: is exited",
        "docker exec clock-tick-$clock true",
    ),
    Drift(
        "a paused container",
        "docker pause feed-web-$feed",
        "start web-{feed} paused: is paused",
        "docker exec feed-web-$feed true",
    ),
    Drift(
        "a container made anew by hand",
        "docker rm --force redis-notes-queue"
        " && docker run --detach --name redis-notes-queue --env A=b redis:7-bookworm redis-server --port 6380",
        "remove redis-notes-queue: somebody else made a container of its name",
        "docker exec redis-notes-queue redis-cli ping | grep PONG",
    ),
    Drift(
        "an unhealthy container",
        "kill -STOP $(docker inspect --format '{{.State.Pid}}' notes-web-$notes);"
        f" for i in $(seq 120); do {HEALTH} notes-web-$notes | grep unhealthy && break; sleep 0.5; done",
        "restart web-{notes}: is unhealthy",
        f"test $({HEALTH} notes-web-$notes) = healthy",
    ),
    Drift(
        "an edited file of a stack",
        "echo 'hba_file = /nowhere' >> /srv/berth/postgres/main/configuration/postgresql.conf",
        "configuration/postgresql.conf",
        "! grep nowhere /srv/berth/postgres/main/configuration/postgresql.conf",
    ),
    Drift(
        "a deleted file of a stack",
        "rm /srv/berth/postgres/main/configuration/pg_ident.conf",
        "configuration/pg_ident.conf",
        "test -s /srv/berth/postgres/main/configuration/pg_ident.conf",
    ),
    Drift(
        "an edited compose.yml",
        "sed -i s/unless-stopped/no/ /srv/berth/traefik/compose.yml",
        "/srv/berth/traefik/compose.yml",
        "grep unless-stopped /srv/berth/traefik/compose.yml",
    ),
    Drift(
        "a file with other rights",
        "chmod 666 /srv/berth/traefik/static/traefik.yml",
        "static/traefik.yml",
        "test $(stat -c %a /srv/berth/traefik/static/traefik.yml) = 644",
    ),
    Drift(
        "a deleted file of a release",
        "rm /srv/berth/apps/pages/releases/$pages/environment.yml",
        "write environment.yml",
        "test -e /srv/berth/apps/pages/releases/$pages/environment.yml",
    ),
    Drift(
        "a deleted route file",
        "rm /srv/berth/traefik/dynamic/app-notes.yml",
        "write route file app-notes.yml",
        "test -s /srv/berth/traefik/dynamic/app-notes.yml",
    ),
    Drift(
        "an edited route file",
        "sed -i s/:8000/:8001/ /srv/berth/traefik/dynamic/app-shop.yml",
        "write route file app-shop.yml",
        "! grep :8001 /srv/berth/traefik/dynamic/app-shop.yml",
    ),
    Drift(
        "a dropped network",
        "docker network disconnect --force edge-pages traefik"
        " && docker network disconnect --force edge-pages pages-web-$pages && docker network rm edge-pages",
        "edge-pages",
        "docker network inspect edge-pages",
    ),
    Drift(
        "a left network",
        "docker network disconnect postgres-main-shop shop-web-$shop",
        "connect web-{shop} postgres-main-shop: is not on the network",
        "docker network inspect --format '{{json .Containers}}' postgres-main-shop | grep shop-web-$shop",
    ),
    Drift(
        "a network too many",
        "docker network connect postgres-main-shop notes-web-$notes",
        "disconnect web-{notes} postgres-main-shop: does not belong on the network",
        "! docker network inspect --format '{{json .Containers}}' postgres-main-shop | grep notes-web",
    ),
    Drift(
        "a lost role",
        f"{psql('ALTER DATABASE shop OWNER TO postgres')} && {psql('DROP OWNED BY shop', 'shop')} && "
        + psql("DROP ROLE shop"),
        "Make roles",
        answers("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'", "shop"),
    ),
    Drift(
        "another password",
        psql("ALTER ROLE notes PASSWORD 'guessed'"),
        "Make roles",
        "url=$(docker exec notes-worker-$notes printenv DATABASE_URL | sed s/@postgres-main:/@127.0.0.1:/)"
        f" && {PSQL} $url --command 'SELECT 1'",
    ),
    Drift(
        "a dropped extension",
        psql("DROP EXTENSION pg_trgm", "notes"),
        "extension",
        answers("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'", "1", "notes"),
    ),
    Drift(
        "a database that all may enter",
        psql("GRANT CONNECT ON DATABASE notes TO PUBLIC"),
        "Close databases",
        answers("SELECT has_database_privilege('public', 'notes', 'CONNECT')", "f"),
    ),
    Drift(
        "a parameter set by ALTER SYSTEM",
        f"{psql('ALTER SYSTEM SET work_mem = 3333')} && {psql('SELECT pg_reload_conf()')}",
        "what ALTER SYSTEM has written",
        f"! {answers('SHOW work_mem', '3333kB')}",
    ),
    Drift(
        "a parameter of Redis set by hand",
        f"{AS_OPERATOR} config set maxmemory 1gb",
        "restart redis-shop-cache: runs with other settings than its files say",
        f"{AS_OPERATOR} config get maxmemory | grep {8 << 20}",
    ),
]
# The engine restarts for them, which would heal some of the others.
OF_THE_ENGINE = [
    Drift(
        "an edited daemon.json",
        'sed -i \'s/"live-restore": true/"live-restore": false/\' /etc/docker/daemon.json',
        "write /etc/docker/daemon.json",
        "docker info --format '{{.LiveRestoreEnabled}}' | grep true",
    ),
    Drift(
        "a disabled service",
        "systemctl disable docker.service",
        "enable docker.service",
        "systemctl is-enabled docker.service",
    ),
    Drift(
        "a file edited before its reader started",
        "sed -i s/16mb/9mb/ /srv/berth/redis/notes-queue/configuration/redis.conf && docker restart redis-notes-queue",
        "restart redis-notes-queue: ",
        "grep 16mb /srv/berth/redis/notes-queue/configuration/redis.conf",
    ),
    Drift(
        "a container that restarts for ever",
        "echo nonsense >> /srv/berth/traefik/static/traefik.yml && docker restart traefik && sleep 3",
        "restart traefik: ",
        "! grep nonsense /srv/berth/traefik/static/traefik.yml",
    ),
    Drift(
        "a user of Redis made by hand",
        f"{AS_OPERATOR} acl setuser intruder on nopass +@all",
        "restart redis-shop-cache: runs with other settings than its files say",
        f"! {AS_OPERATOR} acl list | grep intruder",
    ),
    Drift(
        "a lost record of what serves",
        "rm /srv/berth/apps/clock/current",
        "deploy clock: first release",
        "test -e /srv/berth/apps/clock/current",
    ),
]


class Drifted:
    """A server that drifted, and what a run then said. ``releases``: app -> release before."""

    def __init__(self, server: Server, playbook: Playbook, drifts: list[Drift]) -> None:
        said = server.script(f"{RELEASES}; for app in {' '.join(APPS)}; do eval echo $app \\$$app; done")
        self.releases = dict(line.split() for line in said.splitlines())
        for drift in drifts:
            server.script(f"set -e\n{RELEASES}\n{drift.cause}")
        self.planned = json.dumps(playbook("site.yml", "--check", "--diff").changes)
        self.said = json.dumps(playbook("site.yml", "--diff").changes)

    def names(self, drift: Drift) -> str:
        """Return the text that tells of a drift."""
        return drift.named.format(**self.releases)


@pytest.fixture(scope="module")
def drifted(finished: None, playbook: Playbook, server: Server) -> Drifted:  # noqa: ARG001
    """Everything drifted, but the engine."""
    return Drifted(server, playbook, DRIFTS)


@pytest.fixture(scope="module")
def engine_drifted(drifted: Drifted, playbook: Playbook, server: Server) -> Drifted:  # noqa: ARG001
    """The engine drifted, and what does not mind that it restarts."""
    return Drifted(server, playbook, OF_THE_ENGINE)


def check(server: Server, drift: Drift, drifted: Drifted) -> None:
    """Assert that the drift was named, beforehand too, and is repaired."""
    assert drifted.names(drift) in drifted.said
    assert drifted.names(drift) in drifted.planned
    server.script(f"set -e\n{RELEASES}\n{drift.healed}")


@pytest.mark.parametrize("drift", DRIFTS, ids=[drift.name.replace(" ", "-") for drift in DRIFTS])
def test_drift_is_named_and_repaired(server: Server, drifted: Drifted, drift: Drift) -> None:
    check(server, drift, drifted)


@pytest.mark.parametrize("drift", OF_THE_ENGINE, ids=[drift.name.replace(" ", "-") for drift in OF_THE_ENGINE])
def test_drift_of_the_engine_is_named_and_repaired(server: Server, engine_drifted: Drifted, drift: Drift) -> None:
    check(server, drift, engine_drifted)


@pytest.mark.usefixtures("engine_drifted")
def test_nothing_is_left_to_do(playbook: Playbook, outside: Outside) -> None:
    assert {page: outside.status(f"https://{page}") for page in PAGES} == dict.fromkeys(PAGES, 200)
    result = playbook("site.yml")
    assert (result.stats["changed"], result.tasks) == (0, {})
