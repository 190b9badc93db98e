# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a throwaway Traefik read a candidate configuration and says what it finds wrong."""

from __future__ import annotations

import os
import time
import typing as t
import uuid

from ansible_collections.berth.server.plugins.module_utils import _candidate, _files, _traefik, _traefik_candidate
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError

DEADLINE = 30


def check_route_file(
    docker: Docker, container: str, dynamic: str, file: _files.File, routers: t.Collection[str]
) -> None:
    """Check a file for a running Traefik's directory if it differs; raise TraefikError with what is wrong."""
    if not _files.differs(file, _files.read_file(os.path.join(dynamic, file.path))):
        return
    image = docker("inspect", "--format", "{{.Image}}", container).strip()
    directory = os.path.dirname(dynamic.rstrip("/"))
    wanted = [_files.File(f"{_traefik_candidate.DYNAMIC}/{file.path}", file.content)]
    with _candidate.candidate(directory, wanted, _traefik_candidate.READ) as place:
        check_place(docker, image, place, routers)


def check_place(docker: Docker, image: str, place: str, blamed: t.Collection[str] = ()) -> None:
    """Check the candidate in ``place``, a copy of Traefik's directory; raise TraefikError with all that is wrong."""
    static = _read(place, _traefik_candidate.STATIC_FILE)
    dynamic = os.path.join(place, _traefik_candidate.DYNAMIC)
    names = [name for name in sorted(os.listdir(dynamic)) if name.endswith((".yml", ".yaml"))]
    wanted = _traefik_candidate.wanted_routers({name: _read(dynamic, name) for name in names})
    network = "bridge" if _traefik_candidate.uses_plugins(static) else "none"
    _files.write_atomically(os.path.join(place, _traefik_candidate.STATIC_FILE), _traefik_candidate.static_file(static))
    _files.write_atomically(os.path.join(place, _traefik_candidate.MARKER_FILE), _traefik_candidate.marker_file())
    name = f"{_traefik_candidate.MARKER}-{uuid.uuid4().hex[:12]}"
    # What a run that was killed has left behind.
    docker("container", "prune", "--force", "--filter", f"label={_traefik_candidate.MARKER}", "--filter", "until=10m")
    try:
        docker(*_traefik_candidate.run_arguments(image, place, name, network))
        problems = _problems(docker, name, wanted, blamed)
    finally:
        _remove(docker, name)
    if problems:
        raise TraefikError(
            "Traefik refused the new configuration in a trial, so nothing of it went live: " + "; ".join(problems)
        )


def _problems(docker: Docker, name: str, wanted: t.Collection[str], blamed: t.Collection[str]) -> list[str]:
    """Wait until the candidate has read its files, failed or taken too long; return what is wrong."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            rawdata = _traefik.rawdata(docker, docker.run, name)
        except TraefikError:
            rawdata = {}  # it is starting, or has ended
        if _traefik_candidate.is_read(rawdata):
            docker("kill", name)  # after which its log is whole
            return _traefik_candidate.log_problems(docker.log(name), blamed) + _traefik_candidate.api_problems(
                rawdata, wanted
            )
        running = docker("inspect", "--format", "{{.State.Running}}", name).strip() == "true"
        log = docker.log(name)
        if problems := _traefik_candidate.log_problems(log, blamed):
            return problems
        if not running:
            return [f"it ended: {log.strip()[-500:]}"]
        if time.monotonic() >= deadline:
            return [f"it did not read its files within {DEADLINE} s: {log.strip()[-500:]}"]
        time.sleep(0.1)


def _remove(docker: Docker, name: str) -> None:
    try:
        docker("rm", "--force", "--volumes", name)
    except DockerError as error:
        if "No such container" not in str(error):
            raise


def _read(directory: str, name: str) -> str:
    found = _files.read_file(os.path.join(directory, name))
    return found.content if found else ""
