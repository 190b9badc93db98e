# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack is, and what the server has of it: read once for all stacks of a task."""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _files, _service, _stack
from ansible_collections.berth.server.plugins.module_utils._docker import (
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    Docker,
    DockerError,
)

COMPOSE_FILE = "compose.yml"
ENVIRONMENT_FILE = "environment.yml"
# Hashes of the files that the running services have read: a run that died between writing and telling is noticed.
STATE_FILE = ".berth.json"


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory that a service writes to, or that only its user may enter."""

    path: str
    owner: _files.Identity = 0
    group: _files.Identity = 0
    mode: int = 0o755


@dataclasses.dataclass(frozen=True)
class Check:
    """What judges the files before they go live, in a throwaway container of a service's image.

    ``kind``: ``command``, which is to end well, or ``traefik``, which is to take up its files without an error.
    """

    service: str
    command: t.Sequence[str] = ()
    kind: str = "command"


@dataclasses.dataclass(frozen=True)
class Probe:
    """A command whose output, run in a service's container, tells the settings that it runs with."""

    service: str
    command: t.Sequence[str]


@dataclasses.dataclass(frozen=True)
class StackSpec:
    """A stack as wanted. ``environment``: service -> variable -> literal value."""

    name: str
    directory: str
    project: t.Mapping[str, t.Any]
    files: t.Sequence[_files.File] = ()
    directories: t.Sequence[Directory] = ()
    environment: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    restart: t.Sequence[str] = ()
    checks: t.Sequence[Check] = ()
    probes: t.Sequence[Probe] = ()
    timeout: float = 120

    @property
    def compose_files(self) -> list[str]:
        """The files to give to Compose, in order."""
        return [os.path.join(self.directory, name) for name in (COMPOSE_FILE, ENVIRONMENT_FILE)]


@dataclasses.dataclass
class Look:
    """What the server has, read once for all stacks."""

    containers: dict[str, list[dict[str, t.Any]]]
    networks: dict[str, str]
    images: dict[str, str]
    # name -> id and project ("" without one) of every container
    names: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)

    @classmethod
    def at(cls, docker: Docker, references: t.Iterable[str], may_be_bare: bool = False) -> Look:
        """Look at every Compose project, the networks, and the images with these references.

        Without an engine there is nothing where the server ``may_be_bare``, as in check mode, and else DockerError.
        """
        if not docker.is_there():
            if may_be_bare:
                return cls({}, {}, {})
            advice = "run the docker role first, or start docker.service."
            raise DockerError(f"No Docker engine answers on this server: {advice}")
        projects: dict[str, list[dict[str, t.Any]]] = {}
        names: dict[str, tuple[str, str]] = {}
        for container in docker.containers():
            labels = container["Config"]["Labels"] or {}
            project = labels.get(PROJECT_LABEL, "")
            names[container["Name"].lstrip("/")] = (container["Id"], project)
            if project and labels.get(ONE_OFF_LABEL) != "True":
                projects.setdefault(project, []).append(container)
        return cls(projects, docker.network_ids(), docker.image_ids(references), names)


def image_references(spec: StackSpec) -> list[str]:
    """Return the image reference of every service."""
    return [definition["image"] for definition in spec.project["services"].values()]


def found_container(inspected: t.Mapping[str, t.Any], network_ids: t.Mapping[str, str]) -> _stack.Container:
    """Turn ``docker inspect`` into what the plan compares, without attachments to networks that were remade."""
    labels, state = inspected["Config"]["Labels"], inspected["State"]
    running = state["Status"] == "running"
    attachments = {}
    for name, options in (inspected["NetworkSettings"]["Networks"] or {}).items():
        stale = running and network_ids.get(name) != options.get("NetworkID")
        if not stale and name not in ("host", "none"):
            attachments[name] = _service.Attachment(
                ipv4_address=(options.get("IPAMConfig") or {}).get("IPv4Address"),
                aliases=frozenset(options.get("Aliases") or ()),
            )
    return _stack.Container(
        id=inspected["Id"],
        service=labels[SERVICE_LABEL],
        config=labels.get(_service.CONFIG_LABEL),
        state=state["Status"],
        exit_code=state.get("ExitCode", 0),
        healthy=state["Status"] != "running" or (state.get("Health") or {}).get("Status") != "unhealthy",
        started=_seconds(state.get("StartedAt", "")),
        networks=attachments,
    )


def _seconds(time: str) -> float:
    """Return Docker's time, which is UTC with up to nine decimals, in seconds since 1970."""
    if not time:
        return 0
    whole, fraction = time[:19], time[19:].rstrip("Z")
    return calendar.timegm(datetime.datetime.fromisoformat(whole).timetuple()) + float(f"0{fraction}")
