"""The outside: a host beside the servers, with a browser and a port scanner, that trusts the lab's authority."""

from __future__ import annotations

import hashlib
from pathlib import Path

import docker
from docker.models.containers import Container

from lab import containers, network
from lab.errors import LabError
from lab.images import Builder
from lab.progress import phase

NAME = "berth-lab-outside"
IMAGE_LABEL = "berth.lab.image"
AUTHORITY_LABEL = "berth.lab.ca"


def ensure(client: docker.DockerClient, builder: Builder, certificate: Path) -> Container:
    """Return the running container; made anew when its image or the authority is another."""
    content = certificate.read_bytes()
    labels = {IMAGE_LABEL: builder.tag("outside"), AUTHORITY_LABEL: hashlib.sha256(content).hexdigest()[:16]}
    container = network.running_current(client, NAME, labels)
    if container is None:
        with phase("start the outside host"):
            container = _create(client, builder.tag("outside"), labels, content)
    return container


def get(client: docker.DockerClient) -> Container:
    """Return the container; LabError when there is none."""
    container = network.find(client, NAME)
    if container is None:
        raise LabError("the outside host does not exist; run `python -m lab up NAME`.")
    return container


def _create(client: docker.DockerClient, image: str, labels: dict[str, str], certificate: bytes) -> Container:
    container = network.create_container(
        client,
        NAME,
        "outside",
        image,
        network.OUTSIDE_ADDRESS,
        labels,
        # Browsers leave children behind; Docker's own init collects them.
        {"init": True, "shm_size": "512m"},
        hostname="outside",
    )
    containers.put_files(container, {"/usr/local/share/ca-certificates/berth-lab.crt": (0o644, certificate)})
    container.start()
    try:
        containers.run(container, ["trust-authority", "/usr/local/share/ca-certificates/berth-lab.crt"])
    except LabError:
        # The next `up` must not take a half-made container for a finished one.
        container.remove(force=True)
        raise
    return container
