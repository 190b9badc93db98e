# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app has on the server beside the release that serves: how it is stopped, and what may end by itself."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _compose
from ansible_collections.berth.server.plugins.module_utils._docker import (
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    Docker,
)


def ends_by_itself(container: t.Mapping[str, t.Any]) -> bool:
    """Tell whether this is a job or a command of an operator that still runs. It ends in the release it began in."""
    labels = container["Config"]["Labels"]
    once = labels.get(ONE_OFF_LABEL) == "True" and labels.get(SERVICE_LABEL) != _compose.RELEASE_COMMAND
    return once and container["State"]["Status"] in ("running", "paused")


def idle_networks(networks: t.Iterable[str], app: str, project: str, containers: t.Sequence[t.Any]) -> list[str]:
    """Return the networks of an app's other releases that no container is on: the last one ended by itself.

    ``project``: the release that serves. ``containers``: all of the app, as ``docker inspect`` shows them.
    """
    used = {name for container in containers for name in container["NetworkSettings"]["Networks"]} | {
        f"{container['Config']['Labels'][PROJECT_LABEL]}_default" for container in containers
    }
    own = re.compile(rf"{re.escape(app)}-\d{{8}}t\d{{6}}z-[0-9a-f]{{8}}_default\Z")
    return sorted(name for name in networks if own.match(name) and name not in used | {f"{project}_default"})


class Leftovers:
    """The other releases of one app. ``drain``: seconds that their services may take to end."""

    def __init__(self, docker: Docker, app: str, drain: float) -> None:
        self._docker = docker
        self._app = app
        self._drain = f"{drain:.0f}"

    def networks(self, networks: t.Iterable[str], project: str) -> list[str]:
        """Return the networks to remove, asking for containers only where another release has a network."""
        if not idle_networks(networks, self._app, project, ()):
            return []
        return idle_networks(networks, self._app, project, self._containers())

    def stop(self, project: str) -> None:
        """Stop every release but this one, with what an interrupted run left; jobs and commands run on to their end."""
        projects: dict[str, list[dict[str, t.Any]]] = {}
        for container in self._containers():
            projects.setdefault(container["Config"]["Labels"][PROJECT_LABEL], []).append(container)
        for name in sorted(projects.keys() - {project}):
            others = [container["Id"] for container in projects[name] if not ends_by_itself(container)]
            if len(others) == len(projects[name]):
                self._docker("compose", "--project-name", name, "down", "--timeout", self._drain)
            elif others:
                self._docker("stop", "--time", self._drain, *others)
                self._docker("rm", *others)
        for network in self.networks(self._docker.network_ids(), project):
            self._docker("network", "rm", network)

    def busy(self) -> set[str]:
        """Return the releases in which a job or a command still runs."""
        return {c["Config"]["Labels"][_compose.RELEASE_LABEL] for c in self._containers() if ends_by_itself(c)}

    def _containers(self) -> list[dict[str, t.Any]]:
        return self._docker.containers(f"label={_compose.APP_LABEL}={self._app}")
