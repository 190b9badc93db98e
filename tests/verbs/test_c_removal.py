"""An app is removed for good, and with its data only where that was said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.acceptance.server import Server
from tests.verbs.environments import Environments

ENVIRONMENT = "staging"
REMOVE = "playbooks/remove_app.yml"
WEB = ("-e", "app=web", "-e", "confirm=web")


@pytest.fixture(scope="module", autouse=True)
def _running(environments: Environments) -> None:
    """The server is as this environment wants it."""
    environments.good(ENVIRONMENT, "site.yml")


@pytest.fixture
def without_file(environments: Environments) -> Iterator[None]:
    """The app's file is not in the environment."""
    link = environments.directory / ENVIRONMENT / "apps" / "web.yml"
    target = link.readlink()
    link.unlink()
    yield
    link.symlink_to(target)


def trace(server: Server) -> str:
    """Return everything on the server that bears the app's name, but for its data."""
    kinds = {"ps --all": "Names", "network ls": "Name", "image ls": "Repository"}
    listed = "; ".join(f"docker {kind} --format '{{{{.{field}}}}}'" for kind, field in kinds.items())
    files = "ls /srv/berth/apps /srv/berth/redis /srv/berth/traefik/dynamic /etc/systemd/system"
    names = "cat /srv/berth/traefik/compose.yml /srv/berth/postgres/main/compose.yml"
    text = server(f"{listed}; {files}; {names}")
    others = ("websecure", "registry.example.com")
    return "\n".join(line for line in text.splitlines() if "web" in line and not any(o in line for o in others))


def infrastructure(server: Server) -> dict[str, str]:
    return {name: key for name, key in server.containers().items() if not name.startswith(("web-", "redis-web-"))}


def data(server: Server) -> set[str]:
    """Return which data of the app is there."""
    volumes = server("docker volume ls --quiet").split()
    databases = server("docker exec postgres-main psql -U postgres -Atc 'SELECT datname FROM pg_database'").split()
    roles = server("docker exec postgres-main psql -U postgres -Atc 'SELECT rolname FROM pg_roles'").split()
    named = {"volume": volumes, "database": databases, "role": roles}
    return {f"{kind} {name}" for kind, names in named.items() for name in names if "web" in name}


ALL_DATA = {"volume web_uploads", "volume redis-web-queue_data", "database web", "role web"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "app=(nothing)"),
        (("-e", "app=web"), "confirm=(nothing)"),
        (("-e", "app=web", "-e", "confirm=styleguide"), "confirm=styleguide"),
        ((*WEB, "-e", "data=burn"), "data=burn"),
        (WEB, "take the file away first"),
    ],
    ids=["no-app", "no-confirmation", "another-name", "data", "file-is-there"],
)
def test_nothing_is_removed_by_mistake(
    environments: Environments, server: Server, options: tuple[str, ...], message: str
) -> None:
    before = server.containers()
    code, text = environments.play(ENVIRONMENT, REMOVE, *options)
    assert code != 0
    assert message in " ".join(text.split())
    assert server.containers() == before


@pytest.mark.usefixtures("without_file")
def test_removed_with_its_data_kept(environments: Environments, server: Server) -> None:
    before, others = infrastructure(server), data(server)
    planned = environments.good(ENVIRONMENT, REMOVE, *WEB, "--check", "--diff")
    assert "remove route file /srv/berth/traefik/dynamic/app-web.yml" in planned
    assert "remove network edge-web" in planned
    assert environments.get(ENVIRONMENT, "/db")[0] == 200
    assert others == ALL_DATA
    # What a removal that broke off in the middle leaves.
    server("docker", "network", "disconnect", "edge-web", "traefik")
    server("rm", "/srv/berth/traefik/dynamic/app-web.yml")

    text = environments.good(ENVIRONMENT, REMOVE, *WEB)
    assert trace(server) == ""
    assert infrastructure(server) == before
    assert data(server) == ALL_DATA
    for left in ("volume web_uploads", "database web of instance main", "secret web/postgres/web"):
        assert f"Left: {left}" in text
    again = environments.good(ENVIRONMENT, REMOVE, *WEB)
    assert "Nothing of app web was found to remove" in again
    assert "changed=0 " in again


def test_an_app_that_comes_back_finds_its_data(environments: Environments, server: Server) -> None:
    environments.good(ENVIRONMENT, "site.yml")
    assert environments.get(ENVIRONMENT, "/db") == (200, "kept")
    server("docker exec postgres-main psql -U postgres -d web -c \"UPDATE note SET note = 'changed'\"")


@pytest.mark.usefixtures("without_file")
def test_archived_data_can_be_restored(environments: Environments, server: Server) -> None:
    server("touch $(docker volume inspect --format '{{.Mountpoint}}' web_uploads)/picture")
    before = infrastructure(server)
    text = environments.good(ENVIRONMENT, REMOVE, *WEB, "-e", "data=archive")
    assert (trace(server), data(server)) == ("", set())
    assert infrastructure(server) == before
    archive = next(line.split()[3] for line in text.splitlines() if "Archived in" in line)
    manifest = json.loads(server("cat", f"{archive}/manifest.json"))
    assert [entry["name"] for entry in manifest["content"]] == ["web", "web_uploads", "redis-web-queue_data"]
    for entry in manifest["content"]:
        digest, size = server(f"sha256sum {archive}/{entry['file']}; stat -c %s {archive}/{entry['file']}").split()[::2]
        assert (digest, int(size)) == (entry["sha256"], entry["bytes"])
    assert len(hashlib.sha256().hexdigest()) == len(manifest["content"][0]["sha256"])
    assert "./picture" in server(f"tar -tzf {archive}/volume-web_uploads.tar.gz").split()
    rows = server(f"docker exec -i postgres-main pg_restore --data-only --file=- < {archive}/postgres-main-web.dump")
    assert "changed" in rows


def test_an_app_after_a_deletion_begins_anew(environments: Environments) -> None:
    environments.good(ENVIRONMENT, "site.yml")
    assert environments.get(ENVIRONMENT, "/db") == (200, "kept")


@pytest.mark.usefixtures("without_file")
def test_deleted_data_is_gone(environments: Environments, server: Server) -> None:
    environments.good(ENVIRONMENT, REMOVE, *WEB, "-e", "data=delete")
    assert (trace(server), data(server)) == ("", set())
