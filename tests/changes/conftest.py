"""A lab server, the scenario's inventory, and both brought together."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.acceptance.server import LAB, NAME, ROOT, Outside, Playbook, Server
from tests.changes.inventory import Inventory


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless everything is asked for."""
    if os.environ.get("BERTH_ACCEPTANCE") != "full":
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def server() -> Server:
    """The server under test."""
    return Server()


@pytest.fixture(scope="session")
def outside(server: Server) -> Outside:
    """The host outside."""
    return Outside(server)


@pytest.fixture(scope="session")
def inventory(server: Server) -> Iterator[Inventory]:
    """The inventory's copy. Its secrets are as old as the server, so that tests can be run again on one."""
    os.environ["BERTH_LAB_DIR"] = str(LAB)
    copy = Inventory(ROOT / ".cache" / "changes" / NAME)
    copy.hosts.parent.mkdir(parents=True, exist_ok=True)
    copy.reset()
    if is_bare(server):
        copy.secrets.unlink(missing_ok=True)
    Playbook(copy.hosts).text("playbooks/secrets.yml")
    yield copy
    copy.reset()


@pytest.fixture(scope="session")
def playbook(inventory: Inventory) -> Playbook:
    """Runs playbooks on the inventory's copy."""
    return Playbook(inventory.hosts)


@pytest.fixture(scope="module")
def finished(inventory: Inventory, playbook: Playbook) -> None:
    """The server is what the scenario's inventory says."""
    inventory.reset()
    playbook("site.yml")


def is_bare(server: Server) -> bool:
    """Tell whether nobody has run site.yml on the server."""
    return "no" in server("sh", "-c", "'test -e /srv/berth || echo no'")
