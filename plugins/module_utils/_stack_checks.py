# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the checks of a stack judge its wanted files in throwaway containers."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils import _candidate, _traefik_candidate, _traefik_trial
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Check

# Seconds for one check: an image starts, reads its configuration and ends.
CHECK_TIMEOUT = 30


def check_mounts(check: Check, definition: t.Mapping[str, t.Any], directory: str) -> t.Mapping[str, str]:
    """Return path within the stack's directory -> target, of what the check reads."""
    return _traefik_candidate.READ if check.kind == "traefik" else _candidate.own_mounts(definition, directory)


def run_check(
    docker: Docker, check: Check, definition: t.Mapping[str, t.Any], mounts: t.Mapping[str, str], place: str
) -> None:
    """Run a check on the candidate in ``place``; raise DockerError, TraefikError or ValueError where it refuses."""
    if check.kind == "traefik":
        _traefik_trial.check_place(docker, definition["image"], place)
        return
    docker.once(_candidate.check_command(definition["image"], definition, mounts, place, check.command), CHECK_TIMEOUT)
