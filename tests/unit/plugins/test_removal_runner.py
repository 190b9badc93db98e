# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._archive import ArchiveError
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._removal import Request
from ansible_collections.berth.server.plugins.module_utils._removal_runner import Places, RemovalError, RemovalRunner
from ansible_collections.berth.server.plugins.modules import app_removal

from tests.unit.plugins.builders import Server
from tests.unit.plugins.engine import Engine
from tests.unit.plugins.test_modules import Runner


class Host(Engine):
    """An engine that has volumes and databases too, and systemd and tar beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.volumes: dict[str, dict[str, str]] = {}
        self.databases = {"shop": "shop", "postgres": "postgres"}
        self.roles = {"shop", "postgres"}
        self.dumps = b"a dump"

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        if argv[0] in ("systemctl", "tar"):
            self.commands.append(" ".join(argv))
            if argv[0] == "tar":
                pathlib.Path(argv[argv.index("--file") + 1]).write_bytes(b"a tar")
            return next(((1, "", says) for start, says in self.failures.items() if argv[0] == start), (0, "", ""))
        return super().run(argv)

    def stream(self, argv: list[str], source: str, target: str) -> tuple[int, str]:
        """Run what works between files."""
        self.commands.append(" ".join(argv[1:]))
        if "pg_dump" in argv:
            pathlib.Path(target).write_bytes(self.dumps)
            return 0, ""
        return int(pathlib.Path(source).read_bytes() != b"a dump"), "not a dump"

    def _ps(self, words: list[str]) -> tuple[int, str, str]:
        labels = [word for word in words if word.startswith(("label=", "network="))]
        found = self._matching(labels)
        names = [word.split("=^/")[1].rstrip("$") for word in words if word.startswith("name=")]
        return 0, "\n".join(c["Id"] for c in found if not names or c["Name"].lstrip("/") in names), ""

    def _volume(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "ls":
            return 0, "\n".join(self.volumes), ""
        if words[0] == "rm":
            del self.volumes[words[1]]
        if words[:2] == ["inspect", "--format"]:
            return 0, f"/var/lib/docker/volumes/{words[3]}/_data\n", ""
        found = [{"Name": name, "Labels": self.volumes[name]} for name in words[1:] if name in self.volumes]
        return 0, json.dumps(found), ""

    def _network(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "inspect" and words[1] != "--format":
            by_id = {key: name for name, key in self.networks.items()}
            projects = {key: by_id[key].removesuffix("_default") for key in words[1:]}
            label = "com.docker.compose.project"
            return 0, json.dumps([{"Name": by_id[k], "Labels": {label: projects[k]}} for k in words[1:]]), ""
        if words[0] == "disconnect":
            del self.containers[words[3]]["NetworkSettings"]["Networks"][words[2]]
        if words[0] == "rm":
            del self.networks[words[1]]
        return super()._network(words)

    def _image(self, words: list[str]) -> tuple[int, str, str]:
        return (0, "\n".join(self.images), "") if words[0] == "ls" else super()._image(words)

    def _exec(self, words: list[str]) -> tuple[int, str, str]:
        statement = words[-1].partition("=")[2]
        if "pg_database" in statement:
            return 0, "\n".join(f"{name}|{owner}" for name, owner in self.databases.items()), ""
        if "pg_roles" in statement:
            return 0, "\n".join(self.roles), ""
        name = statement.split('"')[1]
        if "DATABASE" in statement:
            del self.databases[name]
        else:
            self.roles.remove(name)
        return 0, "", ""


@pytest.fixture
def engine() -> Host:
    return Host()


@pytest.fixture
def places(tmp_path: pathlib.Path) -> Places:
    return Places(root=str(tmp_path), units=f"{tmp_path}/units", stamps=f"{tmp_path}/stamps")


@pytest.fixture
def deployed(engine: Host, server: Server, places: Places) -> pathlib.Path:
    """A server with an app that has everything; returns its root."""
    root = pathlib.Path(places.root)
    server.deploy()
    (root / "traefik").mkdir()
    server.dynamic.rename(root / "traefik" / "dynamic")
    engine.dynamic = root / "traefik" / "dynamic"
    for name in ("postgres/main", "redis/shop-queue", "units", "stamps"):
        (root / name).mkdir(parents=True)
    for suffix in ("service", "timer"):
        (root / "units" / f"berth-shop-tidy.{suffix}").write_text("[X-Berth-Job]\nApp=shop\nJob=tidy\n")
    (root / "units" / "berth-other.timer").write_text("[Timer]\n")
    (root / "stamps" / "stamp-berth-shop-tidy.timer").touch()
    for service, network in (("traefik", "edge-shop"), ("postgres-main", "postgres-main-shop")):
        added = engine.add(service, service, Name=f"/{service}")
        added["NetworkSettings"]["Networks"][network] = {"NetworkID": f"id-{network}"}
        engine.networks[network] = f"id-{network}"
    engine.add("redis-shop-queue", "redis-shop-queue")
    engine.networks["redis-shop-queue"] = "id-redis"
    engine.volumes = {"shop_uploads": {"berth.app": "shop"}, "redis-shop-queue_data": {}, "other_data": {}}
    engine.commands.clear()
    return root


def removal(engine: Host, places: Places, **changes: t.Any) -> RemovalRunner:
    request = Request(**{"app": "shop", "data": "keep", "databases": ["shop"], "redis": ["queue"], **changes})
    return RemovalRunner(Docker(engine.run), engine.run, engine.stream, request, places)


@pytest.mark.usefixtures("deployed")
def test_looking_changes_nothing(engine: Host, places: Places) -> None:
    assert len(removal(engine, places).actions) > 8
    assert [command for command in engine.commands if not command.startswith(("image ls", "volume", "exec"))] == []


def test_all_but_the_data_goes_and_others_stay(deployed: pathlib.Path, engine: Host, places: Places) -> None:
    runner = removal(engine, places)
    runner.apply()
    assert engine.services() == ["postgres-main", "traefik"]
    assert set(engine.networks) == {"bridge"}
    assert not [image for image in engine.images if image.startswith("berth/")]
    assert sorted(path.name for path in (deployed / "units").iterdir()) == ["berth-other.timer"]
    assert not list((deployed / "stamps").iterdir())
    assert not list((deployed / "traefik" / "dynamic").iterdir())
    assert not (deployed / "apps" / "shop").exists()
    assert not (deployed / "redis" / "shop-queue").exists()
    assert set(engine.volumes) == {"shop_uploads", "redis-shop-queue_data", "other_data"}
    assert (set(engine.databases), engine.roles) == ({"shop", "postgres"}, {"shop", "postgres"})
    assert runner.kept == ["volume shop_uploads", "volume redis-shop-queue_data", "database shop of instance main"]
    assert runner.archived == ""
    assert removal(engine, places).actions == []


@pytest.mark.usefixtures("deployed")
def test_requests_end_before_containers_do(engine: Host, places: Places) -> None:
    engine.traefik_says = json.dumps({"routers": {"shop-0@file": {"status": "enabled"}}})
    with pytest.raises(Exception, match="router shop-0@file is still there"):
        removal(engine, places).apply()
    assert "redis-shop-queue" in engine.services()
    engine.traefik_says = ""
    removal(engine, places).apply()
    assert engine.services() == ["postgres-main", "traefik"]


def test_archive_holds_everything_before_anything_is_deleted(
    deployed: pathlib.Path, engine: Host, places: Places
) -> None:
    left = deployed / "archive" / "shop" / "20260101t000000z.partial"
    left.mkdir(parents=True)
    runner = removal(engine, places, data="archive")
    runner.apply()
    assert (set(engine.volumes), set(engine.databases), engine.roles) == ({"other_data"}, {"postgres"}, {"postgres"})
    directory = pathlib.Path(runner.archived)
    assert directory.parent == left.parent
    assert [path.name for path in left.parent.iterdir()] == [directory.name]
    content = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["content"]
    assert [(entry["kind"], entry["name"]) for entry in content] == [
        ("database", "shop"),
        ("volume", "shop_uploads"),
        ("volume", "redis-shop-queue_data"),
    ]
    assert content[0]["sha256"] == hashlib.sha256(b"a dump").hexdigest()
    assert content[0]["bytes"] == (directory / content[0]["file"]).stat().st_size
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("dumps", "failures", "message"),
    [
        (b"half a du", {}, "database shop was not archived: pg_restore ended with 1: not a dump"),
        (
            b"a dump",
            {"tar": "No space left on device"},
            "volume shop_uploads was not archived: tar ended with 1: No space",
        ),
    ],
)
def test_what_cannot_be_archived_is_not_deleted(
    engine: Host, places: Places, dumps: bytes, failures: dict[str, str], message: str
) -> None:
    engine.dumps, engine.failures = dumps, failures
    with pytest.raises(ArchiveError, match=message):
        removal(engine, places, data="archive").apply()
    assert (set(engine.databases), len(engine.volumes)) == ({"shop", "postgres"}, 3)
    engine.dumps, engine.failures = b"a dump", {}
    removal(engine, places, data="archive").apply()
    assert set(engine.databases) == {"postgres"}


def test_deleted_data_is_not_archived(deployed: pathlib.Path, engine: Host, places: Places) -> None:
    removal(engine, places, data="delete").apply()
    assert (set(engine.volumes), set(engine.databases)) == ({"other_data"}, {"postgres"})
    assert not (deployed / "archive").exists()


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("broken", ["compose --project-name", "network rm", "image rm", "systemctl"])
def test_a_removal_that_broke_off_is_gone_on_with(engine: Host, places: Places, broken: str) -> None:
    engine.failures = {broken.removesuffix(" --project-name") + (" down" if "compose" in broken else ""): "it broke"}
    with pytest.raises((DockerError, RemovalError), match="it broke"):
        removal(engine, places, data="delete").apply()
    engine.failures = {}
    removal(engine, places, data="delete").apply()
    assert removal(engine, places, data="delete").actions == []


@pytest.mark.usefixtures("deployed")
def test_data_of_an_instance_that_does_not_run_cannot_be_deleted(engine: Host, places: Places) -> None:
    next(c for c in engine.containers.values() if c["Name"] == "/postgres-main")["State"] = {"Status": "exited"}
    with pytest.raises(RemovalError, match="Postgres instance main does not run"):
        removal(engine, places, data="delete")
    assert removal(engine, places).kept == ["volume shop_uploads", "volume redis-shop-queue_data"]


def test_without_traefik_nobody_has_to_follow(deployed: pathlib.Path, engine: Host, places: Places) -> None:
    engine.containers = {k: c for k, c in engine.containers.items() if c["Name"] != "/traefik"}
    removal(engine, places).apply()
    assert not list((deployed / "traefik" / "dynamic").iterdir())


@pytest.mark.usefixtures("deployed")
def test_containers_outside_of_any_project(engine: Host, places: Places) -> None:
    loose = engine.add("x", "loose", Name="/loose")
    loose["Id"] = "loose"
    engine.containers = {c["Id"]: c for c in engine.containers.values()}
    loose["Config"]["Labels"] = {"berth.app": "shop"}
    removal(engine, places).apply()
    assert "loose" not in engine.containers


@pytest.fixture
def run(engine: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(engine, monkeypatch, capsys)


@pytest.mark.usefixtures("deployed")
def test_module_plans_and_then_does_it(run: Runner, places: Places) -> None:
    options: dict[str, t.Any] = {"app": "shop", "redis": ["queue"], "root": places.root}
    planned = run("app_removal", check=True, **options)
    assert planned["changed"] is True
    assert "remove network edge-shop" in planned["actions"]
    assert "remove network edge-shop" in planned["diff"][0]["after"]
    done = run("app_removal", **options)
    assert (done["actions"], done["kept"][0], done["archive"]) == (planned["actions"], "volume shop_uploads", "")
    assert run("app_removal", **options)["changed"] is False


@pytest.mark.parametrize(
    ("app", "failure", "message"),
    [
        ("../shop", {}, "app: found '../shop', expected 2 to 31 lower case letters"),
        ("shop", {"version": "no engine"}, "No Docker engine answers on this server"),
        ("shop", {"volume ls": "it broke"}, "it broke Run the same command again to go on."),
    ],
)
def test_module_fails_with_a_message(
    engine: Host, run: Runner, app: str, failure: dict[str, str], message: str
) -> None:
    engine.failures = failure
    result = run("app_removal", app=app)
    assert result["failed"] is True
    assert message in result["msg"]


def test_stream_runs_between_files(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").write_text("text", encoding="utf-8")
    assert app_removal.stream(["cat"], f"{tmp_path}/a", f"{tmp_path}/b") == (0, "")
    assert (tmp_path / "b").read_text(encoding="utf-8") == "text"
    code, error = app_removal.stream(["cat", "/nowhere"], "", "")
    assert (code, "/nowhere" in error) == (1, True)
