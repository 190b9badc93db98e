# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running Traefik what it does, through its network namespace, since its API listens on its loopback alone."""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _routes
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, Run

API = "http://127.0.0.1:8080/api/rawdata"


class TraefikError(Exception):
    """Traefik does not answer or does not follow a route file."""


def rawdata(docker: Docker, run: Run, container: str) -> dict[str, t.Any]:
    """Return ``/api/rawdata`` of the Traefik in a container."""
    pid = docker("inspect", "--format", "{{.State.Pid}}", container).strip()
    code, out, err = run(
        ["nsenter", "--target", pid, "--net", "curl", "--silent", "--show-error", "--max-time", "5", API]
    )
    if code != 0:
        raise TraefikError(f"Traefik ({container}) does not answer on {API} in its network namespace: {err.strip()}")
    try:
        return t.cast("dict[str, t.Any]", json.loads(out))
    except ValueError as error:
        raise TraefikError(f"Traefik ({container}) answers on {API}, but not with JSON: {out[:200]!r}") from error


def wait_until_followed(
    docker: Docker, run: Run, container: str, app: str, wanted: t.Mapping[str, t.Any], timeout: float = 15
) -> None:
    """Poll until Traefik follows an app's route file; raise TraefikError with what differs after ``timeout`` s."""
    deadline = time.monotonic() + timeout
    while True:
        problems = _routes.follows(rawdata(docker, run, container), wanted, app)
        if not problems:
            return
        if time.monotonic() >= deadline:
            raise TraefikError(
                f"Traefik does not follow the routes of app {app} after {timeout:g} s: {'; '.join(problems)}"
            )
        time.sleep(0.1)
