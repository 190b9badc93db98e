"""The scenario's server, a host outside, and apps that tests change for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Outside, Server
from tests.apps.scenario import Apps, Playbook


@pytest.fixture(scope="session")
def server() -> Server:
    """The server under test."""
    return Server()


@pytest.fixture(scope="session")
def outside(server: Server) -> Outside:
    """The host outside, which resolves the routes' names to the server."""
    return Outside(server)


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    """Runs playbooks on the scenario's inventory."""
    return Playbook()


@pytest.fixture
def apps(tmp_path: Path, playbook: Playbook) -> Iterator[Apps]:
    """The scenario's apps to be changed; afterwards those of the scenario are back."""
    yield Apps(tmp_path / "apps", playbook)
    playbook("molecule/app/converge.yml")
