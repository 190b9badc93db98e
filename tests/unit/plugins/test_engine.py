# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import functools
import json
import os
import pathlib
import time
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._engine import EngineError, EngineRunner, EngineSpec
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.modules import engine as module

from tests.unit.plugins.engine import Engine
from tests.unit.plugins.test_modules import Runner

DAEMON = {"live-restore": True}
TIMER = "berth-prune.timer"
LATER = time.time() + 3600


class Server:
    """A server with systemd and an engine, as far as the module asks them."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.units = {name: {"active": True, "enabled": True} for name in ("docker.service", TIMER)}
        self.since = LATER
        self.networks: dict[str, dict[str, t.Any]] = {}
        self.containers: dict[str, dict[str, t.Any]] = {}
        self.refused = ""  # what dockerd does not validate
        self.deadly = ""  # what it does not start with
        self.taken = ""  # a range that no network can have
        self.commands: list[str] = []

    @property
    def daemon(self) -> pathlib.Path:
        return self.root / "daemon.json"

    def spec(self, **changes: t.Any) -> EngineSpec:
        paths = {f"{name}_path": str(self.root / f"{name}.json") for name in ("daemon", "client", "managed")}
        return EngineSpec(**{"daemon": DAEMON, "networks": {}, "pool": "10.0.0.0/16", **paths, **changes})

    def plan(self, may_be_bare: bool = False, **changes: t.Any) -> EngineRunner:
        self.commands.clear()
        return EngineRunner(Docker(self.run), self.run, self.spec(**changes), may_be_bare)

    def apply(self, **changes: t.Any) -> list[str]:
        self.plan(**changes).apply()
        return self.commands

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        if argv[0] == "timeout":
            argv = argv[2:]
        return getattr(self, f"_{argv[0]}")(argv[1:])  # type: ignore[no-any-return]

    def _systemctl(self, words: list[str]) -> tuple[int, str, str]:
        verb, name = words[0], words[-1]
        if verb == "show":
            return 0, "\n".join(self._unit(unit) for unit in words[3:]), ""
        self.commands.append(" ".join(words))
        if verb in ("enable", "disable"):
            self.units[name]["enabled"] = verb == "enable"
        elif verb in ("start", "restart", "stop"):
            starts = not (self.deadly and self.daemon.exists() and self.deadly in self.daemon.read_text())
            self.units[name]["active"] = verb != "stop" and (starts or name != "docker.service")
            return (0 if self.units[name]["active"] or verb == "stop" else 1), "", "failed"
        return 0, "", ""

    def _unit(self, name: str) -> str:
        unit = self.units.get(name)
        state = {
            "Id": name,
            "LoadState": "loaded" if unit else "not-found",
            "ActiveState": "active" if unit and unit["active"] else "inactive",
            "UnitFileState": "enabled" if unit and unit["enabled"] else "",
            "ActiveEnterTimestamp": f"@{self.since}" if unit and unit["active"] else "",
        }
        return "".join(f"{key}={value}\n" for key, value in state.items())

    def _journalctl(self, _words: list[str]) -> tuple[int, str, str]:
        return 0, "1.0 host systemd[1]: Failed\n1.1 host dockerd[9]: failed to start daemon: because\n", ""

    def _dockerd(self, words: list[str]) -> tuple[int, str, str]:
        wrong = self.refused and self.refused in pathlib.Path(words[-1]).read_text(encoding="utf-8")
        return (1, "", f"unable to configure with {words[-1]}: {self.refused}") if wrong else (0, "", "")

    def _docker(self, words: list[str]) -> tuple[int, str, str]:
        if not self.units.get("docker.service", {}).get("active"):
            return 1, "", "Cannot connect to the Docker daemon"
        if words[0] == "network" and words[1] not in ("ls", "inspect"):
            self.commands.append(" ".join(words))
            if words[1] == "create":
                if self.taken and self.taken in words:
                    return 1, "", "Pool overlaps"
                self.networks[words[-1]] = self.network(words[-1])
            if words[1] == "rm":
                del self.networks[words[2]]
        if words[:2] == ["network", "ls"]:
            ids = "".join(f"{name}\tid-{name}\n" for name in self.networks)
            return 0, ids if "--format" in words else "\n".join(self.networks), ""
        if words[:2] == ["network", "inspect"]:
            return 0, json.dumps([self.networks[name] for name in words[2:]]), ""
        if words[0] == "ps":
            return 0, "\n".join(self.containers), ""
        if words[:2] == ["container", "inspect"]:
            return 0, json.dumps([self.containers[name] for name in words[2:]]), ""
        return 0, "", ""

    @staticmethod
    def network(name: str, **changes: t.Any) -> dict[str, t.Any]:
        config = {"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.128/25"}
        return {"Name": name, "Driver": "bridge", "Internal": False, "IPAM": {"Config": [config]}, **changes}

    def join(self, container: str, network: str, address: str) -> None:
        attachment = {"IPAMConfig": {"IPv4Address": address}, "Aliases": ["web"]}
        self.containers[container] = {"Id": container, "NetworkSettings": {"Networks": {network: attachment}}}


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    # Files belong to root on a server; here to whoever runs the tests.
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    files = "ansible_collections.berth.server.plugins.module_utils._files"
    monkeypatch.setattr(f"{files}.user_id", lambda _: os.getuid())
    monkeypatch.setattr(f"{files}.group_id", lambda _: os.getgid())
    return Server(tmp_path)


def test_new_configuration_restarts_the_engine_once(server: Server) -> None:
    assert server.apply() == ["reset-failed docker.service docker.socket", "restart docker.service"]
    assert json.loads(server.daemon.read_text(encoding="utf-8")) == DAEMON
    runner = server.plan()
    assert (runner.actions, runner.differences) == ([], [])


def test_bare_server_lacks_everything_and_only_check_mode_may_see_it(server: Server) -> None:
    server.units.clear()
    actions = server.plan(may_be_bare=True, networks={"a": {}}, units={TIMER: True}).actions
    assert actions == [
        f"write {server.daemon}",
        *("enable docker.service", "start docker.service", f"enable {TIMER}", f"start {TIMER}"),
        "create network a (10.0.0.0/24): it is not there",
    ]
    with pytest.raises(EngineError, match=r"found no unit docker\.service"):
        server.plan()


def test_configuration_that_dockerd_refuses_is_not_written(server: Server) -> None:
    server.apply()
    server.refused = "nonsense"
    with pytest.raises(EngineError, match=rf"refuses .*{server.daemon}; nothing was changed: .*{server.daemon}"):
        server.apply(daemon={"nonsense": 1})
    assert server.commands == []
    assert json.loads(server.daemon.read_text(encoding="utf-8")) == DAEMON


def test_configuration_that_stops_the_engine_is_taken_back(server: Server) -> None:
    server.apply()
    server.deadly = "overlay9"
    with pytest.raises(EngineError, match=r"failed to start daemon: because\n.*is back, and the engine runs with it"):
        server.apply(daemon={"storage-driver": "overlay9"})
    assert server.units["docker.service"]["active"]
    assert json.loads(server.daemon.read_text(encoding="utf-8")) == DAEMON


def test_engine_that_no_configuration_helps_is_said_to_be_so(server: Server) -> None:
    server.apply()
    server.deadly = "{"
    with pytest.raises(EngineError, match="does not run with it either"):
        server.apply(daemon={"a": 1})


def test_configuration_newer_than_the_engine_is_read(server: Server) -> None:
    server.apply()
    server.since = time.time() - 60
    assert server.plan().actions == ["restart docker.service: its configuration changed"]


def test_units_run_or_not_and_reread_their_files(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ansible_collections.berth.server.plugins.module_utils._engine.UNIT_DIRECTORY", f"{server.root}/units/"
    )
    server.apply()
    timer = File(f"{server.root}/units/{TIMER}", "[Timer]\n")
    assert server.apply(files=[timer], units={TIMER: True}) == ["daemon-reload", f"restart {TIMER}"]
    server.units[TIMER].update(active=False, enabled=False)
    assert server.apply(files=[timer], units={TIMER: True}) == [f"enable {TIMER}", f"start {TIMER}"]
    assert server.apply(files=[timer], units={TIMER: False}) == [f"disable {TIMER}", f"stop {TIMER}"]


def test_engine_that_stands_still_is_started_before_its_networks_are_looked_at(server: Server) -> None:
    server.apply()
    server.networks["there"] = server.network("there")
    server.units["docker.service"].update(active=False, enabled=False)
    wanted = {"there": {}, "new": {}}
    assert server.plan(networks=wanted).actions == ["enable docker.service", "start docker.service"]
    created = "network create --driver bridge --subnet 10.0.1.0/24 --ip-range 10.0.1.128/25 new"
    assert server.apply(networks=wanted) == ["enable docker.service", "start docker.service", created]


def test_network_is_remade_under_its_containers(server: Server) -> None:
    server.apply()
    server.networks["a"] = server.network("a")
    server.join("c1", "a", "10.0.0.9")
    assert server.apply(networks={"a": {"internal": True}}) == [
        "network disconnect --force a c1",
        "network rm a",
        "network create --driver bridge --subnet 10.0.0.0/24 --ip-range 10.0.0.128/25 --internal a",
        "network connect --ip 10.0.0.9 --alias web a c1",
    ]


def test_network_that_cannot_be_remade_is_as_it_was(server: Server) -> None:
    server.apply()
    server.networks["a"] = server.network("a", IPAM={"Config": [{"Subnet": "10.9.0.0/24"}]})
    server.join("c1", "a", "10.9.0.9")
    server.taken = "10.0.0.0/24"
    with pytest.raises(EngineError, match=r"network a was not made anew, it is as it was: .*Pool overlaps"):
        server.apply(networks={"a": {}})
    assert server.commands[-2:] == [
        "network create --driver bridge --subnet 10.9.0.0/24 a",
        "network connect --ip 10.9.0.9 --alias web a c1",
    ]


REGISTRY = {"registry": "r.example.com", "username": "me", "password": "hunter2"}


def client(server: Server) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((server.root / "client.json").read_text(encoding="utf-8")))


def test_credentials_are_written_kept_secret_and_removed(server: Server) -> None:
    server.apply()
    (server.root / "client.json").write_text('{"auths": {"by.hand": {"auth": "x"}}}', encoding="utf-8")
    (server.root / "client.json").chmod(0o600)
    runner = server.plan(registries=[REGISTRY])
    assert runner.actions == ["add credentials of registry r.example.com"]
    assert "hunter2" not in str(runner.differences)
    runner.apply()
    assert client(server)["auths"] == {"by.hand": {"auth": "x"}, "r.example.com": {"auth": "bWU6aHVudGVyMg=="}}
    assert (server.root / "client.json").stat().st_mode & 0o777 == 0o600
    assert server.plan(registries=[REGISTRY]).actions == []
    (server.root / "client.json").chmod(0o644)
    assert server.plan(registries=[REGISTRY]).actions == [f"let none but root read {server.root}/client.json"]
    server.apply()
    assert client(server)["auths"] == {"by.hand": {"auth": "x"}}
    assert server.plan().actions == []


def test_registries_that_were_there_by_hand_are_taken_over(server: Server) -> None:
    server.apply()
    auths = {"auths": {"r.example.com": {"auth": "bWU6aHVudGVyMg=="}}}
    (server.root / "client.json").write_text(json.dumps(auths), encoding="utf-8")
    (server.root / "client.json").chmod(0o600)
    assert server.plan(registries=[REGISTRY]).actions == [f"note the registries in {server.root}/managed.json"]


def test_missing_helper_changes_nothing(server: Server) -> None:
    helper = {"registry": "r.example.com", "helper": "no-such"}
    with pytest.raises(EngineError, match="found no docker-credential-no-such in the server's PATH"):
        server.apply(registries=[helper])
    assert server.commands == []
    assert not server.daemon.exists()


@pytest.mark.parametrize(("content", "expected"), [("{", "found no JSON"), ("[]", "found list")])
def test_damaged_client_configuration_is_named(server: Server, content: str, expected: str) -> None:
    (server.root / "client.json").write_text(content, encoding="utf-8")
    with pytest.raises(EngineError, match=rf"client\.json: {expected}"):
        server.plan()


def test_module_says_what_it_would_do_does_it_and_then_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {f"{name}_path": str(server.root / f"{name}.json") for name in ("daemon", "client", "managed")}
    monkeypatch.setattr(module, "EngineSpec", functools.partial(EngineSpec, **paths))
    run = Runner(t.cast("Engine", server), monkeypatch, capsys)
    options = {
        "daemon": DAEMON,
        "networks": {"a": {}},
        "pool": "10.0.0.0/16",
        "files": [{"path": f"{server.root}/script", "content": "x\n", "mode": "0755"}],
        "units": {TIMER: True},
        "sensitive": json.dumps({"registries": [REGISTRY]}),
    }
    planned = run("engine", check=True, **options)
    assert (planned["changed"], list(server.root.iterdir()), server.commands) == (True, [], [])
    done = run("engine", **options)
    assert done["actions"] == planned["actions"]
    assert "hunter2" not in json.dumps([planned, done])
    assert (server.root / "script").stat().st_mode & 0o777 == 0o755
    assert client(server)["auths"].keys() == {"r.example.com"}
    again = run("engine", **options)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    failed = run("engine", **{**options, "pool": "10.0.0.0/25"})
    assert "prefix" in failed["msg"]
