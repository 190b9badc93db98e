# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Compose service: what makes its container, whether it is meant to end, how it hangs on networks."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils._canonical import content_hash

CONFIG_LABEL = "berth.config"

# Containers join and leave networks while they run; an image is built before it is used; neither makes a new container.
NOT_IN_CONTAINER = ("networks", "build", "depends_on", "profiles")


@dataclasses.dataclass(frozen=True)
class Attachment:
    """How a container hangs on a network: its fixed IPv4 address, if any, and its extra DNS names there."""

    ipv4_address: str | None = None
    aliases: frozenset[str] = frozenset()


def service_config(definition: t.Mapping[str, t.Any], environment: t.Any, image_id: str) -> str:
    """Return the hash of everything that only a new container can bring: definition, environment, image."""
    kept = {key: value for key, value in definition.items() if key not in NOT_IN_CONTAINER}
    return content_hash({"service": kept, "environment": environment, "image": image_id})[:32]


def is_one_shot(definition: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a service is meant to end: it says ``restart: no`` or ``on-failure``, which lets success be the end.

    A service that says nothing is meant to run, although Compose would not restart it either.
    """
    restart = str(definition.get("restart", ""))
    return restart in ("no", "False", "false") or restart.startswith("on-failure")


def lives_with(definition: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Return the services whose namespaces a service lives in: they end with the container that they are of."""
    words = (str(definition.get(kind, "")) for kind in ("network_mode", "pid", "ipc"))
    return frozenset(word.removeprefix("service:") for word in words if word.startswith("service:"))


def network_name(project: str, networks: t.Mapping[str, t.Any], key: str) -> str:
    """Return the name that Docker knows a Compose network by."""
    return (networks.get(key) or {}).get("name") or f"{project}_{key}"


def desired_attachments(
    project: str, networks_block: t.Mapping[str, t.Any], definition: t.Mapping[str, t.Any]
) -> dict[str, Attachment] | None:
    """Return a service's networks by Docker's names; None where ``network_mode`` leaves Compose no say.

    Compose allows a list of keys or a mapping, and means the network ``default`` where there is neither.
    """
    if "network_mode" in definition:
        return None
    networks = definition.get("networks") or ["default"]
    if not isinstance(networks, t.Mapping):
        networks = dict.fromkeys(networks)
    return {
        network_name(project, networks_block, key): Attachment(
            ipv4_address=(options or {}).get("ipv4_address"),
            aliases=frozenset((options or {}).get("aliases") or ()),
        )
        for key, options in networks.items()
    }


def build_command(build: t.Mapping[str, t.Any], tag: str, directory: str) -> list[str]:
    """Return ``docker build`` arguments for a Compose ``build`` mapping whose context is relative to ``directory``."""
    context = os.path.join(directory, build.get("context", "."))
    command = ["build", "--quiet", "--tag", tag, "--file", os.path.join(context, build.get("dockerfile", "Dockerfile"))]
    if build.get("target"):
        command += ["--target", build["target"]]
    arguments = build.get("args") or {}
    if isinstance(arguments, t.Mapping):
        arguments = [f"{key}={value}" for key, value in sorted(arguments.items())]
    for argument in arguments:
        command += ["--build-arg", argument]
    return [*command, context]
