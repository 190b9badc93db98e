"""Check mode on a bare server says what the first run then does."""

from __future__ import annotations

import pytest

from tests.acceptance.server import Outside, Playbook, Server
from tests.changes.conftest import is_bare
from tests.changes.effects import Look, announced, observed
from tests.changes.inventory import Inventory

NOTHING = Look({}, {})
# Debian's package enables and starts what it installs, so that the run finds it done.
BY_THE_PACKAGE = {("engine", "enable docker.service"), ("engine", "start docker.service")}
# What is to be made in an instance is asked of the instance, which is not there yet.
IN_THE_INSTANCE = {("task", "postgres : databases")}
# The package has started the engine, so that it is restarted for its configuration; sources are brought, not changed.
FOR_ITS_CONFIGURATION = {
    ("engine", "restart docker.service"),
    ("task", "app : Archive the build context, or the content to mount"),
}


def test_a_bare_server_becomes_what_check_mode_said(
    server: Server, outside: Outside, inventory: Inventory, playbook: Playbook
) -> None:
    if not is_bare(server):
        pytest.skip("the server is not bare")
    planned = playbook("site.yml", "--check", "--diff")
    assert is_bare(server)
    assert server("sh", "-c", "'command -v docker || true'").strip() == ""

    done = playbook("site.yml", "--diff")
    after = Look.at(server)
    assert announced(planned) - BY_THE_PACKAGE == announced(done) - IN_THE_INSTANCE - FOR_ITS_CONFIGURATION
    assert announced(done, only_containers=True) == observed(NOTHING, after)
    assert {("traefik", "create traefik"), ("notes", "deploy")} <= announced(planned)
    assert {app for app, what in announced(planned) if what == "deploy"} == set(inventory.app_names())
    assert outside.status("https://notes.berth.localhost/count") == 200
    assert outside.curl("https://pages.berth.localhost/") == "first edition"

    assert playbook("site.yml").stats["changed"] == 0
    assert playbook("site.yml", "--check", "--diff").stats["changed"] == 0
