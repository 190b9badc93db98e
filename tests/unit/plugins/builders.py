# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests build on: a resolved app, and a stack and a server on which it is run again and again."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import yaml
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._inventory import Inventory
from ansible_collections.berth.server.plugins.module_utils._release import Record
from ansible_collections.berth.server.plugins.module_utils._release_runner import ReleaseRunner, Settings
from ansible_collections.berth.server.plugins.module_utils._stack_runner import StackRunner
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Look, StackSpec, image_references

from tests.unit.plugins.engine import Engine

DIGEST = "0123456789abcdef" * 4


def app_problems(apps: t.Any, directory: str, postgres_instances: t.Collection[str]) -> list[str]:
    """Return every mistake in app files of a directory."""
    return Inventory(apps, pathlib.Path(directory)).problems(postgres_instances)


def resolve_apps(apps: t.Any, secrets: dict[str, str], directory: str) -> dict[str, t.Any]:
    """Return what roles need to know about app files of a directory."""
    return Inventory(apps, pathlib.Path(directory)).resolve(secrets)


def resolved_app(**changes: t.Any) -> dict[str, t.Any]:
    """Return an app as ``resolve`` gives it to the release module, with one routed service."""
    app: dict[str, t.Any] = {
        "name": "shop",
        "version": "1.0",
        "services": {"web": {"image": "shop:${VERSION}"}},
        "builds": {},
        "networks": ["edge-shop"],
        "edge": "edge-shop",
        "joins": {},
        "routes": [route()],
        "volumes": {},
        "release_command": None,
        "jobs": {},
        "exclusive": [],
        "drain": 30.0,
        "egress": True,
    }
    app.update(changes)
    app["joins"] = {service: [] for service in app["services"]} | app["joins"]
    return app


def route(**changes: t.Any) -> dict[str, t.Any]:
    """Return a route with all its keys."""
    return {
        "hosts": ["shop.example.com"],
        "redirect_from": [],
        "path": "/",
        "service": "web",
        "port": 8000,
        "health": "/",
        "rate_limit": None,
        "middlewares": {},
        **changes,
    }


class Stack:
    """A stack in a directory of its own that is run again and again with changes."""

    def __init__(self, engine: Engine, directory: pathlib.Path) -> None:
        self.engine = engine
        self.directory = directory

    def plan(self, services: dict[str, t.Any], **changes: t.Any) -> StackRunner:
        """Look and plan; what the engine was told before is forgotten."""
        self.engine.commands.clear()
        networks = {"edge": {"name": "edge", "external": True}}
        spec = StackSpec(
            **{
                "name": "p",
                "directory": str(self.directory),
                "project": {"services": services, "networks": networks},
                "timeout": 0.3,
                **changes,
            }
        )
        docker = Docker(self.engine.run)
        return StackRunner(docker, spec, Look.at(docker, image_references(spec)))

    def apply(self, services: dict[str, t.Any], **changes: t.Any) -> list[str]:
        """Make the stack true; return what the engine was told."""
        self.plan(services, **changes).apply()
        return self.engine.commands

    def read(self, path: str) -> t.Any:
        """Return a YAML file of the stack."""
        return yaml.safe_load((self.directory / path).read_text(encoding="utf-8"))

    def snapshot(self) -> dict[str, tuple[bytes, int]]:
        """Return every file's content and mode."""
        return {p.name: (p.read_bytes(), p.stat().st_mode) for p in self.directory.rglob("*") if p.is_file()}


class Server:
    """A server with one app, which is deployed again and again with changes."""

    def __init__(self, engine: Engine, root: pathlib.Path) -> None:
        self.engine = engine
        self.root = root
        self.dynamic = root / "dynamic"
        self.dynamic.mkdir()
        (root / "static").mkdir()
        (root / "static/traefik.yml").write_text("api: {insecure: true}\n", encoding="utf-8")
        engine.dynamic = self.dynamic
        engine.registry |= {"shop:1.0", "shop:2.0", "shop:3.0"}
        self.problem = ""

    def plan(self, values: t.Any = None, keep: int = 5, asked: str | None = None, **changes: t.Any) -> ReleaseRunner:
        """Look and plan; what the engine was told before is forgotten."""
        self.engine.commands.clear()
        settings = Settings(f"{self.root}/apps", str(self.dynamic), "traefik", "websecure", {}, keep, 0.2, "me@here")
        docker = Docker(self.engine.run)
        runner = ReleaseRunner(docker, self.engine.run, resolved_app(**changes), values or {}, settings, asked)
        runner.plan(Look.at(docker, runner.image_references))
        return runner

    def deploy(self, version: str = "1.0", **changes: t.Any) -> Record:
        """Make the app's release serve."""
        return self.plan(version=version, **changes).apply()

    def told(self) -> list[str]:
        """Return what the engine was told, without release ids."""
        return [re.sub(r"\d{8}t\d{6}z-[0-9a-f]{8}", "ID", command) for command in self.engine.commands]

    def routed_to(self) -> list[str]:
        """Return where Traefik's file leads, if there is one."""
        path = self.dynamic / "app-shop.yml"
        if not path.exists():
            return []
        services = yaml.safe_load(path.read_text(encoding="utf-8"))["http"]["services"].values()
        return [s["loadBalancer"]["servers"][0]["url"] for s in services]

    def log(self) -> list[str]:
        """Return how each attempt ended."""
        lines = (self.root / "apps/shop/log.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["status"] for line in lines]
