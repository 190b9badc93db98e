# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about releases: their ids, what makes two the same, their addresses, and which are kept."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import json
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _compose
from ansible_collections.berth.server.plugins.module_utils._canonical import content_hash
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._references import replicas_of

RELEASE_ID = re.compile(r"\d{8}t\d{6}z-[0-9a-f]{8}\Z")


class ReleaseError(Exception):
    """A release cannot be made; what served before serves on."""


@dataclasses.dataclass(frozen=True)
class Record:
    """What ``release.json`` keeps. ``images``: service -> reference and id; ``addresses``: service -> IPv4 of each
    container; ``mounts``: digests of the shared content that it mounts."""

    id: str
    digest: str
    version: str
    images: dict[str, dict[str, str]]
    addresses: dict[str, list[str]]
    status: str = "preparing"
    started: str = ""
    seconds: float = 0.0
    by: str = ""
    error: str = ""
    mounts: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Record:
        """Read ``release.json``, also one from when a service had one container and thus one address."""
        found = json.loads(text)
        addresses = {s: [a] if isinstance(a, str) else a for s, a in found["addresses"].items()}
        return cls(**{**found, "addresses": addresses})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all apps share. ``dynamic``: Traefik's directory of route files; ``traefik``: its container's name."""

    root: str
    dynamic: str
    traefik: str
    entry_point: str
    tls: t.Mapping[str, t.Any]
    keep: int
    timeout: float
    by: str


def release_id(digest: str, now: datetime.datetime) -> str:
    """Return UTC time and 8 digits of the content, in lower case since Compose refuses capitals."""
    return f"{now.astimezone(datetime.timezone.utc):%Y%m%dt%H%M%Sz}-{digest[:8]}"


def choose_version(app: t.Mapping[str, t.Any], environment: t.Any, current: Record | None, asked: str = "") -> str:
    """Return the version to run: the file's, or else the one that is asked for, or that was deployed last.

    Raises ReleaseError where ``${VERSION}`` is used and no version is known.
    """
    version = app["version"] or asked or (current.version if current else "")
    composed = [[v.get("file"), v.get("compose"), _composed_files(v)] for v in environment.values()]
    if not version and _compose.uses_version([app["services"], composed, app["release_command"], app["jobs"]]):
        raise ReleaseError(
            f"app {app['name']}: its services use ${{VERSION}}, but the app file has no version and none was ever "
            f"deployed. Set version in the app file, or run deploy.yml -e app={app['name']} -e version=..."
        )
    return version


def _composed_files(values: t.Mapping[str, t.Any]) -> list[str]:
    return [file["compose"] for file in values.get("files", ()) if "compose" in file]


def image_reference(app: t.Mapping[str, t.Any], service: str, version: str) -> str:
    """Return the image that a service runs: what is built from source, or what its file names."""
    if service in app["builds"]:
        return str(app["builds"][service]["image"])
    return str(_compose.interpolate(app["services"][service]["image"], {"VERSION": version}))


def known_image_ids(
    references: t.Mapping[str, str], current: Record | None, local: t.Mapping[str, str]
) -> dict[str, str | None]:
    """Return service -> image id, None where the image is not on the server.

    A reference that the current release runs already keeps its recorded id: a tag that moved is taken up by a deploy
    that asks for it, not by a run that happens to come later.
    """
    ids: dict[str, str | None] = {}
    for service, reference in references.items():
        recorded = (current.images.get(service) if current else None) or {}
        ids[service] = recorded["id"] if recorded.get("reference") == reference else local.get(reference)
    return ids


def release_digest(
    app: t.Mapping[str, t.Any],
    version: str,
    environment: t.Any,
    image_ids: t.Mapping[str, str],
    files: t.Sequence[File] = (),
) -> str:
    """Return the hash of all that makes a release what it is, whenever and wherever on the network it runs."""
    names = {service: service for service in app["services"]}
    addresses = {s: ["address"] * len(replicas_of(app, s)) for s in _compose.routed_services(app)}
    project = _compose.render(app, "release", version, names, addresses)
    contents = {"files": [dataclasses.astuple(file) for file in files]} if files else {}
    return content_hash({"project": project, "environment": environment, "images": dict(image_ids), **contents})


def free_addresses(subnet: str, taken: t.Collection[str], services: t.Mapping[str, int]) -> dict[str, list[str]]:
    """Give each container an address in the lower half of the edge network, which Docker never hands out by itself.

    ``taken`` holds the addresses of all containers on the network, stopped ones included. ``services``: routed service
    -> how many containers it has.
    """
    network = ipaddress.IPv4Network(subnet)
    lower = next(network.subnets(1))
    candidates = [str(host) for host in lower][2:]  # without the network's own address and its gateway
    free = [address for address in candidates if address not in taken]
    needed = sum(services.values())
    if len(free) < needed:
        raise ReleaseError(f"network {subnet}: {needed} free addresses needed, {len(free)} found.")
    following = iter(free)
    return {service: [next(following) for _container in range(number)] for service, number in services.items()}


def are_of(addresses: t.Mapping[str, t.Sequence[str]], subnet: str) -> bool:
    """Tell whether all addresses are of the network; after it was made anew with another range they are not."""
    network = ipaddress.ip_network(subnet)
    return all(ipaddress.ip_address(address) in network for each in addresses.values() for address in each)


def to_prune(
    releases: t.Collection[str], in_use: t.Collection[str], serving_before: t.Sequence[str], keep: int
) -> list[str]:
    """Return the releases to remove: all but the newest ``keep`` that have served, and those that are in use.

    ``serving_before``: releases that went live once; failed attempts are not worth keeping.
    """
    kept = set(sorted(serving_before, reverse=True)[:keep]) | set(in_use)
    return sorted(r for r in releases if RELEASE_ID.match(r) and r not in kept)
