"""A finished server of the lab (`BERTH_LAB_SERVER`, by default the demo's), its inventory, and a host outside."""

from __future__ import annotations

import pytest

from tests.acceptance.server import Outside, Playbook, Server


@pytest.fixture(scope="session")
def server() -> Server:
    """The server under test."""
    return Server()


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    """Runs playbooks on the demo's inventory."""
    return Playbook()


@pytest.fixture(scope="session")
def outside(server: Server) -> Outside:
    """The host outside, which resolves the routes' names to the server."""
    return Outside(server)
