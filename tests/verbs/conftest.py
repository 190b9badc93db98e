"""A server of the lab (`BERTH_LAB_SERVER`) that has the example's images, and a copy of the example's inventories."""

from __future__ import annotations

import pytest

from tests.acceptance.server import Server
from tests.verbs.environments import Environments


@pytest.fixture(scope="session")
def server() -> Server:
    """The server under test."""
    return Server()


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """The example's environments, with their secrets created."""
    environments = Environments(tmp_path_factory.mktemp("verbs"))
    for name in ("production", "staging", "development"):
        environments.good(name, "playbooks/secrets.yml")
    return environments
