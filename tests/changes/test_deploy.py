"""One app is deployed when that is asked for: a tag that has moved, a version."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.acceptance.server import Playbook, Server, lab
from tests.changes.inventory import Inventory

DEPLOY = "playbooks/deploy.yml"


class Tag:
    """A tag in the registry that leads to one image after the other."""

    name = "moving:1"

    def __init__(self, server: Server, registry: str) -> None:
        self._server = server
        self._reference = f"{registry}/library/{self.name}"

    def move(self, mark: str) -> None:
        """Let it lead to an image that says ``mark``."""
        dockerfile = f'FROM debian:trixie-slim\\nENV MARK={mark}\\nCMD ["sleep", "infinity"]\\n'
        self._server.script(
            f"printf '{dockerfile}' | docker build --quiet --tag {self._reference} - && "
            f"docker push --quiet {self._reference} && docker image rm {self._reference}"
        )


@pytest.fixture
def tag(server: Server) -> Tag:
    """A tag in the lab's registry."""
    mirrors = lab()["registry_mirrors"]
    if not mirrors:
        pytest.skip("the lab has no registry of its own here, and nothing can be pushed to Docker Hub")
    return Tag(server, urlsplit(mirrors[0]).netloc)


@pytest.fixture
def restored(inventory: Inventory, playbook: Playbook) -> Iterator[None]:
    """Bring the scenario's apps back, without the one that is added here."""
    yield
    (inventory.apps / "mover.yml").unlink(missing_ok=True)
    playbook("playbooks/remove_app.yml", "-e", "app=mover", "-e", "confirm=mover", "-e", "data=delete")
    inventory.reset()


def mark(server: Server) -> str:
    """Return what the running image says."""
    return server("docker", "exec", f"mover-web-{server.current('mover')}", "printenv", "MARK").strip()


@pytest.mark.usefixtures("finished", "restored")
def test_a_tag_that_moved_is_taken_up_when_a_deploy_asks_for_it(
    inventory: Inventory, playbook: Playbook, server: Server, tag: Tag
) -> None:
    tag.move("first")
    inventory.app("mover", services={"web": {"image": tag.name, "init": True}}, drain="2s")
    playbook("site.yml")
    assert mark(server) == "first"
    before = server.containers()

    tag.move("second")
    assert playbook("site.yml").stats["changed"] == 0
    assert server.containers() == before

    planned = playbook(DEPLOY, "--check", "-e", "app=mover")
    assert "pull moving:1" in str(planned.tasks["Make the releases serve"])
    assert server.containers() == before
    playbook(DEPLOY, "-e", "app=mover")
    assert mark(server) == "second"
    others = {name: key for name, key in before.items() if not name.startswith("mover-")}
    assert others.items() <= server.containers().items()

    after = server.containers()
    assert playbook(DEPLOY, "-e", "app=mover").stats["changed"] == 0
    assert server.containers() == after


@pytest.mark.usefixtures("finished", "restored")
def test_a_version_is_asked_for_and_kept(inventory: Inventory, playbook: Playbook, server: Server) -> None:
    inventory.app(
        "mover",
        services={"web": {"image": "debian:trixie-slim", "init": True, "command": "sleep infinity"}},
        drain="2s",
    )
    inventory.app("mover", services={"web": {"environment": {"MARK": "${VERSION}"}}})
    code, said = playbook.text("site.yml")
    assert code != 0
    assert "run deploy.yml -e app=mover -e version=" in said

    playbook(DEPLOY, "-e", "app=mover", "-e", "version=1.5")
    assert mark(server) == "1.5"
    assert playbook("site.yml").stats["changed"] == 0  # a run keeps what was deployed last
    assert mark(server) == "1.5"

    inventory.app("mover", version="1.6")
    before = server.containers()
    code, said = playbook.text(DEPLOY, "-e", "app=mover", "-e", "version=1.7")
    assert code != 0
    assert "version: found '1.7', expected '1.6', which the file of app mover says" in " ".join(said.split())
    code, said = playbook.text(DEPLOY, "-e", "app=moover")
    assert code != 0
    assert "app: found 'moover', expected one of" in said
    assert server.containers() == before
