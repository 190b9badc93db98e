"""What goes wrong in a run is told, leaves the server as it was, and is no hindrance to the next run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.acceptance.server import LAB, NAME, ROOT, Outside, Playbook, Server, run
from tests.changes.effects import Look
from tests.changes.inventory import Inventory
from tests.changes.requests import trickle

PAGES = ("notes.berth.localhost/", "shop.berth.localhost/", "pages.berth.localhost/", "pages.berth.localhost/srv/")
# What a failed attempt leaves: its record, the log, what was brought to build from.
TRACES = re.compile(r"/srv/berth/apps/[^/]+/(releases/|source/|log\.jsonl|lock)")
SHAPE = r"Traceback|AttributeError|KeyError|MODULE FAILURE"


@dataclass(frozen=True)
class Failure:
    """``says``: what the message must name. ``quick``: runs in `make test` too."""

    name: str
    make: Callable[[Inventory, Server], object]
    says: tuple[str, ...]
    quick: bool = False


def image(reference: str) -> Callable[[Inventory, Server], object]:
    return lambda inventory, _server: inventory.app("feed", services={"web": {"image": reference}})


def command(*words: str) -> Callable[[Inventory, Server], object]:
    return lambda inventory, _server: inventory.app("feed", services={"web": {"command": list(words)}})


def broken_build(inventory: Inventory, _server: Server) -> None:
    with (inventory.source / "Dockerfile").open("a", encoding="utf-8") as dockerfile:
        dockerfile.write("RUN echo a tool is missing >&2; exit 3\n")


def no_redis(inventory: Inventory, server: Server) -> None:
    server("docker", "tag", "debian:trixie-slim", "redis:broken")
    inventory.variables(redis_version="broken")


FAILURES = [
    Failure(
        "a registry that nobody answers at",
        image("127.0.0.1:9/web:1"),
        ("app feed", "127.0.0.1:9/web:1", "refused"),
        quick=True,
    ),
    Failure("an image that is not there", image("python:0.0-no-such-tag"), ("app feed", "python:0.0-no-such-tag")),
    Failure("a build that fails", broken_build, ("app pages", "a tool is missing")),
    Failure(
        "an app that ends at once",
        command("python", "-c", "raise SystemExit('cannot find its way')"),
        ("app feed", "service web-", "cannot find its way"),
    ),
    Failure("a command that is not there", command("no-such-program"), ("app feed", "no-such-program")),
    Failure(
        "a Postgres that does not start",
        lambda inventory, _server: inventory.variables(
            postgres_instances={"main": {"parameters": {"shared_preload_libraries": "no_such_library"}}}
        ),
        ("postgres-main", "no_such_library", "Nothing was changed"),
    ),
    Failure(
        "a Postgres that cannot be built",
        lambda inventory, _server: inventory.variables(postgres_instances={"main": {"packages": ["no-such-package"]}}),
        ("postgres-main", "no-such-package"),
    ),
    Failure(
        "a Redis that does not start",
        no_redis,
        ("redis-notes-queue", "redis-server: not found", "Nothing was changed"),
        quick=True,
    ),
]


@pytest.fixture(autouse=True)
def mended(finished: None, inventory: Inventory) -> Iterator[None]:  # noqa: ARG001
    """Every failure starts from what is right."""
    inventory.reset()
    yield
    inventory.reset()


@pytest.fixture(scope="module")
def secrets(inventory: Inventory) -> dict[str, str]:
    """The inventory's secrets."""
    text = run("ansible-vault", "view", inventory.secrets)
    return {name: value for name, value in yaml.safe_load(text).items() if isinstance(value, str)}


@pytest.mark.parametrize(
    "failure",
    [pytest.param(f, id=f.name.replace(" ", "-"), marks=[] if f.quick else pytest.mark.slow) for f in FAILURES],
)
def test_a_failure_is_told_and_leaves_everything_as_it_was(
    failure: Failure, inventory: Inventory, playbook: Playbook, server: Server, secrets: dict[str, str]
) -> None:
    before = Look.at(server)
    failure.make(inventory, server)
    with trickle(server, PAGES) as requests:
        code, said = playbook.text("site.yml", "--diff")
    after = Look.at(server)

    assert code != 0, said
    assert [words for words in failure.says if words not in said] == [], said
    assert not re.search(SHAPE, said), said
    assert [name for name, value in secrets.items() if value in said] == []
    assert requests.sent > 0
    assert requests.failed == []

    assert after.containers == before.containers
    for part in ("networks", "volumes", "links"):
        assert after.rest[part] == before.rest[part]
    lost = set(before.rest["files"]) - set(after.rest["files"])
    more = set(after.rest["files"]) - set(before.rest["files"])
    assert [line for line in sorted(lost | more) if not TRACES.search(line)] == []


def test_after_all_that_nothing_is_left_to_do(playbook: Playbook, outside: Outside) -> None:
    result = playbook("site.yml")
    assert (result.stats["changed"], result.tasks) == (0, {})
    assert outside.status("https://notes.berth.localhost/count") == 200


def kill_controller(run: subprocess.Popen[str], control: Path, _server: Server) -> None:
    """End the run and its connection, as a closed laptop does."""
    os.killpg(run.pid, signal.SIGKILL)
    for socket in control.iterdir():
        close = ["ssh", "-F", str(LAB / "ssh_config"), "-o", f"ControlPath={socket}", "-O", "exit", "server"]
        subprocess.run(close, capture_output=True, check=False)


def kill_session(_run: subprocess.Popen[str], _control: Path, _server: Server) -> None:
    """End the server's side of the connection, as a broken network does."""
    script = "kill -KILL $(pgrep -f '^sshd-session: [a-z]+@notty')"
    subprocess.run(["python", "-m", "lab", "exec", NAME, "--", "sh", "-c", script], cwd=ROOT, check=True)


@pytest.mark.parametrize("kill", [kill_controller, pytest.param(kill_session, marks=pytest.mark.slow)])
def test_a_connection_lost_in_the_middle_of_a_deploy_is_no_hindrance(
    kill: Callable[[subprocess.Popen[str], Path, Server], None],
    inventory: Inventory,
    playbook: Playbook,
    server: Server,
    outside: Outside,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    control = tmp_path_factory.mktemp("cp")
    note = kill.__name__
    inventory.app(
        "shop",
        env={"NOTE": note},
        release_command={"command": ["python", "-c", "import time; time.sleep(8)"]},
    )
    with trickle(server, PAGES) as requests:
        with subprocess.Popen(
            playbook.command("site.yml"),
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(control)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as running:
            wait_for_release_command(server)
            kill(running, control, server)
            said, _ = running.communicate(timeout=180)
        assert not re.search(SHAPE, said), said
        code, said = again(playbook)
    assert code == 0, said
    assert requests.failed == []
    containers = [name for name in server.containers() if name.startswith("shop-")]
    assert len(containers) == 1, containers
    assert server("docker", "exec", containers[0], "printenv", "NOTE").strip() == note
    assert outside.status("https://shop.berth.localhost/") == 200
    assert playbook("site.yml").stats["changed"] == 0


def again(playbook: Playbook) -> tuple[int, str]:
    """Run until the deploy that went on without its controller has ended; the others say that they wait for it."""
    for _attempt in range(6):
        code, said = playbook.text("site.yml")
        if code == 0:
            break
        assert "another deploy is running" in said, said
        time.sleep(3)
    return code, said


def wait_for_release_command(server: Server) -> None:
    """Wait until the shop's release command runs."""
    for _attempt in range(120):
        if "release-command" in server("docker", "ps", "--format", "'{{.Names}}'"):
            return
        time.sleep(0.5)
    raise AssertionError("the release command did not start")
