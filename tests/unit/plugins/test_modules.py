# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible calls them: options in, result out, over an engine in memory."""

from __future__ import annotations

import importlib
import json
import pathlib
import typing as t

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from tests.unit.plugins.builders import resolved_app
from tests.unit.plugins.engine import Engine

PLUGINS = "ansible_collections.berth.server.plugins.modules."


class Runner:
    """Runs a module in this process."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        monkeypatch.setattr(basic.AnsibleModule, "run_command", lambda _self, argv, **_options: engine.run(argv))

    def __call__(self, name: str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run it and return its result, which has ``failed`` where it failed."""
        module = importlib.import_module(PLUGINS + name)
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return dict(json.loads(self._capsys.readouterr().out))


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def run(engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(engine, monkeypatch, capsys)


def stack(path: pathlib.Path, **changes: t.Any) -> dict[str, t.Any]:
    sensitive = {"environment": {"web": {"KEY": "hunter22"}}, "files": [{"path": "k", "content": "k"}]}
    web = {"image": "web:1", "restart": "always", "volumes": [f"{path}/conf:/etc/web:ro"]}
    return {
        "name": "p",
        "directory": str(path),
        "project": {"services": {"web": web}},
        "files": [{"path": "conf/a", "content": "a", "readers": {"web": "restart"}}],
        "directories": [{"path": "socket", "mode": "0700"}],
        "sensitive": json.dumps(sensitive),
        "checks": [{"service": "web", "command": ["judge"]}],
        "timeout": 1,
        **changes,
    }


def test_stack_says_what_it_would_do_does_it_and_then_nothing(
    engine: Engine, run: Runner, tmp_path: pathlib.Path
) -> None:
    engine.registry.add("web:1")
    planned = run("stack", check=True, stacks=[stack(tmp_path)])
    assert (planned["changed"], engine.commands, list(tmp_path.iterdir())) == (True, [], [])
    done = run("stack", stacks=[stack(tmp_path)])
    assert done["stacks"] == planned["stacks"]
    assert done["stacks"]["p"]["services"] == {"web": "create"}
    assert "hunter22" not in json.dumps([planned, done])
    again = run("stack", stacks=[stack(tmp_path)])
    assert (again["changed"], again["diff"]) == (False, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"checks": [{"service": "wen", "command": ["x"]}]}, "checks: found service wen, expected one of web"),
        ({"sensitive": "{"}, "Expecting property name"),
        ({"directory": "/proc/nowhere"}, "/proc/nowhere"),
    ],
    ids=["unknown service of a check", "sensitive is no JSON", "directory cannot be written"],
)
def test_stack_fails_with_a_message(
    engine: Engine, run: Runner, tmp_path: pathlib.Path, change: dict[str, t.Any], message: str
) -> None:
    engine.registry.add("web:1")
    result = run("stack", stacks=[stack(tmp_path, **change)])
    assert result["failed"]
    assert message in result["msg"]


def test_release_deploys_and_then_does_nothing(engine: Engine, run: Runner, tmp_path: pathlib.Path) -> None:
    engine.registry.add("shop:1.0")
    engine.dynamic = tmp_path / "dynamic"
    engine.dynamic.mkdir()
    app = resolved_app(routes=[])
    options = {"apps": [app], "root": str(tmp_path / "apps"), "traefik_dynamic": str(engine.dynamic), "timeout": 1}
    planned = run("release", check=True, **options)
    assert planned["apps"]["shop"]["actions"] == ["deploy shop: first release"]
    done = run("release", sensitive=json.dumps({"shop": {"web": {"literal": {"KEY": "hunter22"}}}}), **options)
    assert done["changed"]
    assert done["apps"]["shop"]["release"]
    assert "hunter22" not in json.dumps(done)


def test_release_fails_with_a_message(run: Runner, tmp_path: pathlib.Path) -> None:
    options = {"apps": [resolved_app(routes=[])], "root": str(tmp_path / "apps"), "traefik_dynamic": str(tmp_path)}
    result = run("release", **options)
    assert result["failed"]
    assert "app shop: no release was made" in result["msg"]


def test_source_archive_is_made_once(run: Runner, tmp_path: pathlib.Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    options = {"context": str(tmp_path / "context"), "path": str(tmp_path / "archive.tar.gz")}
    assert run("source_archive", check=True, **options)["changed"]
    assert not (tmp_path / "archive.tar.gz").exists()
    assert run("source_archive", **options)["changed"]
    assert (tmp_path / "archive.tar.gz").exists()
    assert run("source_archive", **{**options, "context": str(tmp_path / "nowhere")})["failed"]


def test_app_is_found_and_restarted(engine: Engine, run: Runner, tmp_path: pathlib.Path) -> None:
    engine.registry.add("shop:1.0")
    engine.dynamic = tmp_path
    root = str(tmp_path / "apps")
    run("release", apps=[resolved_app(routes=[])], root=root, traefik_dynamic=str(tmp_path), timeout=1)
    found = run("app_info", app="shop", root=root, service="web", running=True)
    assert (found["changed"], found["services"]) == (False, ["web"])
    assert found["container"] == f"shop-web-{found['release']}"
    (container,) = engine.containers.values()
    container["HostConfig"] = {"RestartPolicy": {"Name": "unless-stopped"}}
    options = {"app": "shop", "release": found["release"], "services": found["services"], "timeout": 2}
    engine.commands.clear()
    planned = run("app_restart", check=True, **options)
    assert (planned["changed"], engine.commands) == (True, [])
    done = run("app_restart", **options)
    assert done["containers"] == planned["containers"] == [found["container"]]
    assert run("app_info", app="shup", root=root)["msg"].startswith("app: found 'shup', expected one of shop")
    assert run("app_restart", **{**options, "service": "wub"})["failed"]


def test_release_warns_of_an_app_without_a_file(
    engine: Engine, run: Runner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _self, text: warnings.append(text))
    engine.add("gone-1", "web")["Config"]["Labels"]["berth.app"] = "gone"
    result = run("release", check=True, apps=[], root=str(tmp_path), traefik_dynamic=str(tmp_path))
    assert result["changed"] is False
    assert [text.partition(":")[0] for text in warnings] == ["App gone has containers here, but no file"]
