# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what a server has of an app, and removes it thing by thing; what is gone already is not missed."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import os
import re
import shutil

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._archive import Archive, Stream
from ansible_collections.berth.server.plugins.module_utils._docker import PROJECT_LABEL, Docker, Run
from ansible_collections.berth.server.plugins.module_utils._release_store import ReleaseStore
from ansible_collections.berth.server.plugins.module_utils._removal import Action, Found, Request, plan
from ansible_collections.berth.server.plugins.module_utils._traefik import wait_until_followed

_UNIT_APP = re.compile(r"^App=(.+)$", re.MULTILINE)
_DATABASES = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database"


class RemovalError(Exception):
    """The removal broke off; the same command goes on with it."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are. ``timeout``: seconds that containers may take to end."""

    root: str = "/srv/berth"
    units: str = "/etc/systemd/system"
    stamps: str = "/var/lib/systemd/timers"
    traefik: str = "traefik"
    timeout: int = 30


class RemovalRunner:
    """Plans and carries out the removal of one app."""

    def __init__(self, docker: Docker, run: Run, stream: Stream, request: Request, places: Places) -> None:
        self._docker = docker
        self._run = run
        self._request = request
        self._places = places
        self._archive = Archive(docker, run, stream, os.path.join(places.root, "archive", request.app))
        self.actions, self.kept = plan(request, self._look())

    @property
    def archived(self) -> str:
        """Where data was archived, or empty."""
        return self._archive.directory

    def apply(self) -> None:
        """Do all of it, while no deploy of the app runs."""
        store = ReleaseStore(os.path.join(self._places.root, "apps"), self._request.app)
        with store.lock() if os.path.isdir(store.directory) else contextlib.nullcontext():
            for action in self.actions:
                if action.kind not in ("dump", "tar"):
                    self._archive.finish()
                getattr(self, f"_remove_{action.kind}")(action)

    def _look(self) -> Found:
        docker, places, app = self._docker, self._places, self._request.app
        containers = docker.containers()
        instances = {os.path.basename(p): p for p in glob.glob(os.path.join(places.root, "postgres", "*"))}
        running = {c["Name"].lstrip("/") for c in containers if c["State"]["Status"] == "running"}
        databases: dict[str, dict[str, str]] = {}
        roles: dict[str, list[str]] = {}
        for instance in instances:
            databases[instance], roles[instance] = {}, []
            if _names.postgres_host(instance) in running:
                rows = self._sql(instance, _DATABASES).splitlines()
                databases[instance] = dict(row.split("|") for row in rows)
                roles[instance] = self._sql(instance, "SELECT rolname FROM pg_roles").split()
            elif self._request.data != "keep" and self._request.databases:
                raise RemovalError(
                    f"Postgres instance {instance} does not run, so that the app's databases in it can be neither "
                    "archived nor deleted. Start it (site.yml does), or keep the data (data=keep)."
                )
        redis = {
            os.path.join(places.root, "redis", _names.redis_instance(app, use)): _names.redis_host(app, use)
            for use in self._request.redis
        }
        directories = {os.path.join(places.root, "apps", app): "", **redis}
        route = os.path.join(places.root, "traefik", "dynamic", f"app-{app}.yml")
        return Found(
            containers=containers,
            networks=docker.networks(),
            volumes=docker.volumes(),
            images=docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split(),
            units={os.path.basename(p): _app_of_unit(p) for p in glob.glob(os.path.join(places.units, "berth-*"))},
            routes=[route] if os.path.exists(route) else [],
            directories={path: stack for path, stack in directories.items() if os.path.isdir(path)},
            databases=databases,
            roles=roles,
        )

    def _sql(self, instance: str, statement: str, database: str = "postgres") -> str:
        container = _names.postgres_host(instance)
        words = ("psql", "--username=postgres", f"--dbname={database}", "--no-psqlrc", "--tuples-only", "--no-align")
        return self._docker("exec", container, *words, "--set=ON_ERROR_STOP=1", f"--command={statement}")

    def _remove_route(self, action: Action) -> None:
        os.unlink(action.name)
        running = self._docker.containers(f"name=^/{self._places.traefik}$", "status=running")
        if running:
            wait_until_followed(self._docker, self._run, self._places.traefik, self._request.app, {"http": {}})

    def _remove_unit(self, action: Action) -> None:
        for argv in (["systemctl", "disable", "--now", action.name], ["systemctl", "daemon-reload"]):
            code, _out, err = self._run(argv)
            if code != 0:
                raise RemovalError(f"{' '.join(argv)} failed ({code}): {err.strip()}")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._places.units, action.name))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._places.stamps, f"stamp-{action.name}"))

    def _remove_project(self, action: Action) -> None:
        self._docker("compose", "--project-name", action.name, "down", "--timeout", str(self._places.timeout))
        # Without its file, Compose leaves containers whose profile is off.
        for container in self._docker.containers(f"label={PROJECT_LABEL}={action.name}"):
            self._docker("rm", "--force", container["Id"])

    def _remove_container(self, action: Action) -> None:
        self._docker("stop", "--time", str(self._places.timeout), action.name)
        self._docker("rm", "--force", action.name)

    def _remove_dump(self, action: Action) -> None:
        self._archive.database(action.where, action.name)

    def _remove_tar(self, action: Action) -> None:
        self._archive.volume(action.name)

    def _remove_database(self, action: Action) -> None:
        self._sql(action.where, f'DROP DATABASE IF EXISTS "{action.name}" WITH (FORCE)')

    def _remove_role(self, action: Action) -> None:
        self._sql(action.where, f'DROP ROLE IF EXISTS "{action.name}"')

    def _remove_volume(self, action: Action) -> None:
        self._docker("volume", "rm", action.name)

    def _remove_network(self, action: Action) -> None:
        # Those who stay, Traefik and Postgres, leave it while they run.
        for container in self._docker.containers(f"network={action.name}"):
            self._docker("network", "disconnect", "--force", action.name, container["Id"])
        # A release's own network may have gone with its project.
        if action.name in self._docker.network_ids():
            self._docker("network", "rm", action.name)

    def _remove_image(self, action: Action) -> None:
        self._docker("image", "rm", action.name)

    def _remove_directory(self, action: Action) -> None:
        shutil.rmtree(action.name)


def _app_of_unit(path: str) -> str:
    """Return the app that a unit says it is for, or empty."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        match = _UNIT_APP.search(stream.read())
    return match[1].strip() if match else ""
