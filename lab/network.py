"""The lab's network and who has which address in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from lab.errors import LabError

NAME = "berth-lab"
SUBNET = "10.250.77.0/24"
REGISTRY_ADDRESS = "10.250.77.2"
OUTSIDE_ADDRESS = "10.250.77.3"
FIRST_SERVER = 10
LABEL = "berth.lab"
ADDRESS_LABEL = "berth.lab.address"


def ensure(client: docker.DockerClient) -> None:
    """Make the network when missing."""
    try:
        network = client.networks.get(NAME)
    except NotFound:
        _create(client)
        return
    subnets = [pool.get("Subnet") for pool in network.attrs["IPAM"]["Config"]]
    if subnets != [SUBNET]:
        raise LabError(
            f"network {NAME}: found {subnets}, expected {[SUBNET]}; remove it with `docker network rm {NAME}`."
        )


def _create(client: docker.DockerClient) -> None:
    pool = IPAMPool(subnet=SUBNET)
    try:
        client.networks.create(NAME, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels={LABEL: "network"})
    except APIError as error:
        raise LabError(
            f"network {NAME}: the engine refused {SUBNET}: {error.explanation}; "
            "a route or another Docker network overlaps: `ip route`, `docker network ls`."
        ) from error


def labelled(client: docker.DockerClient, kind: str = "") -> list[Container]:
    """Return the lab's containers, stopped ones too; all kinds, or `server`, `registry`, `outside`."""
    label = f"{LABEL}={kind}" if kind else LABEL
    found: list[Container] = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return found


def free_address(client: docker.DockerClient) -> str:
    """Return the lowest address that no server holds, running or not. Callers hold the lock."""
    return lowest_free(container.labels.get(ADDRESS_LABEL, "") for container in labelled(client))


def lowest_free(taken: Iterable[str]) -> str:
    """Return the first address from .10 on that is not in ``taken``; LabError when all are."""
    used = set(taken)
    for host in list(ipaddress.ip_network(SUBNET).hosts())[FIRST_SERVER - 1 :]:
        if str(host) not in used:
            return str(host)
    raise LabError(f"network {NAME}: no address is free in {SUBNET}; take servers down with `python -m lab down NAME`.")


def create_container(
    client: docker.DockerClient,
    name: str,
    kind: str,
    image: str,
    address: str,
    labels: dict[str, str],
    host: dict[str, Any],
    hostname: str = "",
    unmasked: bool = False,
) -> Container:
    """Create (not start) a container of the lab with a fixed address.

    host: arguments of the SDK's create_host_config. unmasked: all of /proc and /sys is visible and writable, which the
    SDK has no argument for (`systempaths=unconfined` is the command line's word).
    """
    host_config = client.api.create_host_config(network_mode=NAME, **host)
    if unmasked:
        host_config.update(MaskedPaths=[], ReadonlyPaths=[])
    endpoint = client.api.create_endpoint_config(ipv4_address=address)
    created = client.api.create_container(
        image,
        name=name,
        hostname=hostname or None,
        labels={LABEL: kind, ADDRESS_LABEL: address, **labels},
        host_config=host_config,
        networking_config={"EndpointsConfig": {NAME: endpoint}},
        # Without this the engine publishes nothing, whatever the host configuration says.
        ports=[tuple(port.split("/")) for port in host.get("port_bindings", {})],
    )
    container: Container = client.containers.get(created["Id"])
    return container


def find(client: docker.DockerClient, name: str) -> Container | None:
    """Return the container called ``name``, or None."""
    try:
        found: Container = client.containers.get(name)
    except NotFound:
        return None
    return found


def running_current(client: docker.DockerClient, name: str, labels: dict[str, str]) -> Container | None:
    """Return the container when it carries ``labels``, started if it was stopped; remove it when they differ."""
    container = find(client, name)
    if container is None:
        return None
    if any(container.labels.get(key) != value for key, value in labels.items()):
        container.remove(force=True, v=True)
        return None
    if container.status != "running":
        container.start()
    return container
