# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import pathlib
import types
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _traefik_trial
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError

ROUTES = "http: {routers: {shop-0: {rule: Host(`a`)}}}\n"
ERROR = json.dumps({"level": "error", "message": "Cannot start the provider"})


class Server:
    """A server with a directory of Traefik's, whose throwaway container reads its files after some questions."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        for directory in ("static", "dynamic", "certificates"):
            (root / directory).mkdir()
        (root / "static/traefik.yml").write_text("api: {}\n", encoding="utf-8")
        self.reads_after = 2.0
        self.log = ""
        self.running = True
        self.routers = {"shop-0@file": {"status": "enabled"}, "berth-trial@file": {"status": "enabled"}}
        self.asked = 0
        self.place = pathlib.Path()
        self.seen: dict[str, str] = {}
        self.commands: list[str] = []

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        """Run a command."""
        self.commands.append(argv[1])
        if argv[0] == "nsenter":
            self.asked += 1
            return 0, json.dumps({"routers": self.routers} if self.asked > self.reads_after else {}), ""
        if argv[1] == "run":
            self.place = pathlib.Path(next(w for w in argv if ":/etc/traefik/dynamic" in w).partition(":")[0]).parent
            self.seen = {p.name: p.read_text(encoding="utf-8") for p in self.place.rglob("*.yml")}
        if argv[1] == "inspect":
            answers = {"{{.State.Pid}}": "4242", "{{.Image}}": "sha256:traefik", "{{.State.Running}}": "true"}
            return 0, answers[argv[3]] if self.running or "Pid" in argv[3] else "false", ""
        return 0, self.log if argv[1] == "logs" else "", ""

    def check(self) -> None:
        """Check a new route file."""
        file = File("app-shop.yml", ROUTES)
        _traefik_trial.check_route_file(Docker(self.run), "traefik", str(self.root / "dynamic"), file, ["shop-0"])


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(_traefik_trial, "time", types.SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    return Server(tmp_path)


def test_good_candidate_is_read_beside_what_is_live_and_leaves_nothing(server: Server) -> None:
    (server.root / "dynamic/other.yml").write_text("http: {}\n", encoding="utf-8")
    server.check()
    assert sorted(server.seen) == ["app-shop.yml", "berth-trial.yml", "other.yml", "traefik.yml"]
    assert server.seen["app-shop.yml"] == ROUTES
    assert server.commands[-1] == "rm"
    assert not server.place.exists()
    assert sorted(p.name for p in (server.root / "dynamic").iterdir()) == ["other.yml"]


def test_file_that_is_live_already_is_not_tried_again(server: Server) -> None:
    (server.root / "dynamic/app-shop.yml").write_text(ROUTES, encoding="utf-8")
    (server.root / "dynamic/app-shop.yml").chmod(0o644)
    server.check()
    assert server.commands == []


def no_router(server: Server) -> None:
    del server.routers["shop-0@file"]


def log_error(server: Server) -> None:
    server.log = ERROR


def late(server: Server) -> None:
    server.reads_after = 1e9


def never_with_error(server: Server) -> None:
    server.reads_after, server.log = 1e9, ERROR


def ended(server: Server) -> None:
    server.reads_after, server.log, server.running = 1e9, "command traefik error: no", False


@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        (no_router, "router shop-0 is not there"),
        (log_error, "Cannot start the provider"),
        (never_with_error, "Cannot start the provider"),
        (late, "did not read its files within 30 s"),
        (ended, "it ended: command traefik error: no"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_candidate_is_refused_and_removed(server: Server, fail: t.Callable[[Server], None], expected: str) -> None:
    fail(server)
    with pytest.raises(TraefikError, match=f"nothing of it went live: .*{expected}"):
        server.check()
    assert server.commands[-1] == "rm"
    assert not server.place.exists()
