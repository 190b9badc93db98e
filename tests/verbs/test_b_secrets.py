"""A secret is given a new value in one command, by which the old one ends, and nobody sees either."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.verbs.environments import Environments, Watch

ENVIRONMENT = "staging"
ROTATE = "playbooks/rotate_secret.yml"


def opens_database(server: Server, password: str) -> bool:
    """Tell whether a new connection over the network gets in with a password."""
    command = f"docker exec --env PGPASSWORD={password} postgres-main psql -h 127.0.0.1 -U web -d web -Atc 'SELECT 1'"
    try:
        return server(command).strip() == "1"
    except AssertionError:
        return False


def opens_redis(server: Server, password: str) -> bool:
    """Tell whether Redis lets the app's user in with a password."""
    answer = server(f"docker exec redis-web-queue redis-cli --no-auth-warning --user web --pass {password} set try 1")
    return answer.strip() == "OK"


@pytest.fixture(scope="module", autouse=True)
def _running(environments: Environments) -> None:
    """The server is as this environment wants it."""
    environments.good(ENVIRONMENT, "site.yml")


class Processes:
    """Reads the arguments and environments of processes on this machine and on the server, again and again."""

    def __init__(self, server: Server) -> None:
        self.seen = ""
        self._server = server
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._here), threading.Thread(target=self._there)]

    def _here(self) -> None:
        while not self._end.wait(0.3):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen += path.read_bytes().replace(b"\0", b" ").decode(errors="replace") + "\n"
                except OSError:
                    continue

    def _there(self) -> None:
        while not self._end.wait(0.3):
            self.seen += self._server("ps", "-eo", "args")

    def __enter__(self) -> Processes:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_arguments: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize(
    ("name", "path", "opens"),
    [("web/postgres/web", "/db", opens_database), ("web/redis/queue", "/redis", opens_redis)],
    ids=["postgres", "redis"],
)
def test_rotating_reaches_instance_and_app_together(
    environments: Environments, server: Server, name: str, path: str, opens
) -> None:
    before = environments.secrets(ENVIRONMENT)
    assert opens(server, before[name])
    infrastructure = {n: i for n, i in server.containers().items() if not n.startswith(("web-", "styleguide-"))}
    with Processes(server) as processes, Watch(environments, ENVIRONMENT, path) as watch:
        output = environments.good(ENVIRONMENT, ROTATE, "-e", f"secret={name}", "-vvv", "--diff")
    after = environments.secrets(ENVIRONMENT)
    assert {n for n in after if after[n] != before.get(n)} <= {name, ".generated"}
    assert after[name] != before[name]
    assert opens(server, after[name])
    assert not opens(server, before[name])
    assert environments.get(ENVIRONMENT, path)[0] == 200
    for value in (before[name], after[name]):
        assert value not in output
        assert value not in processes.seen
    assert {n: i for n, i in server.containers().items() if not n.startswith(("web-", "styleguide-"))} == infrastructure
    print(f"\n{name}: {watch.window:.1f} s without new connections, {len(watch.answers)} requests")
    assert "changed=0 " in environments.good(ENVIRONMENT, "site.yml")
    assert "generated" in next(
        line for line in environments.good(ENVIRONMENT, "playbooks/list_secrets.yml").splitlines() if name in line
    )


def test_an_apps_own_secret_gives_it_a_release(environments: Environments, server: Server) -> None:
    before = server("readlink", "/srv/berth/apps/web/current")
    with Watch(environments, ENVIRONMENT, "/db") as watch:
        output = environments.good(ENVIRONMENT, ROTATE, "-e", "secret=web/secret_key")
    assert "It is read by: app web: env.SECRET_KEY" in output
    assert server("readlink", "/srv/berth/apps/web/current") != before
    assert watch.window < 1
