"""The local registry: stand-in images under the names that Docker Hub would answer to."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import docker
from docker.models.containers import Container

from lab import images, network
from lab.errors import LabError
from lab.images import IMAGES, Builder
from lab.progress import phase

NAME = "berth-lab-registry"
VOLUME = "berth-lab-registry"
MIRROR = f"http://{network.REGISTRY_ADDRESS}:5000"
HUB = "https://registry-1.docker.io/v2/"
HUB_DEADLINE = 4.0
START_DEADLINE = 30.0
IMAGE_LABEL = "berth.lab.image"
MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)


def hub_answers() -> bool:
    """Say whether Docker Hub can be reached from here. It greets strangers with 401 and names its API."""
    try:
        with urllib.request.urlopen(HUB, timeout=HUB_DEADLINE) as response:
            headers = response.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
    except OSError:
        return False
    return "Docker-Distribution-Api-Version" in headers


def ensure(client: docker.DockerClient, builder: Builder) -> Container:
    """Return the running registry container, made from the current image."""
    labels = {IMAGE_LABEL: builder.tag("registry")}
    container = network.running_current(client, NAME, labels)
    if container is None:
        client.volumes.create(VOLUME, labels={network.LABEL: "registry"})
        container = network.create_container(
            client,
            NAME,
            "registry",
            builder.tag("registry"),
            network.REGISTRY_ADDRESS,
            labels,
            {
                # Docker trusts a registry without TLS on loopback only; the port is free to choose.
                "port_bindings": {"5000/tcp": ("127.0.0.1", None)},
                "binds": [f"{VOLUME}:/var/lib/docker-registry"],
            },
        )
        container.start()
    _wait(container)
    return container


def publish(client: docker.DockerClient, builder: Builder, names: Iterable[str]) -> None:
    """Push those of the stand-ins ``names`` that the registry does not hold in their current version."""
    container = ensure(client, builder)
    endpoint = _endpoint(container)
    stale = [name for name in names if not _holds(endpoint, name, _image_id(client, builder, name))]
    if not stale:
        return
    with phase(f"push {' '.join(IMAGES[name].official for name in stale)}"), ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: _push(client, builder, endpoint, name), stale))


def _push(client: docker.DockerClient, builder: Builder, endpoint: str, name: str) -> None:
    repository, _, version = IMAGES[name].official.partition(":")
    target = f"{endpoint}/library/{repository}"
    client.api.tag(builder.tag(name), target, version)
    try:
        for event in client.api.push(target, version, stream=True, decode=True):
            if "error" in event:
                raise LabError(f"image {IMAGES[name].official}: the push to {endpoint} failed: {event['error']}")
    finally:
        client.api.remove_image(f"{target}:{version}", noprune=True)


def _holds(endpoint: str, name: str, image_id: str) -> bool:
    repository, _, version = IMAGES[name].official.partition(":")
    url = f"http://{endpoint}/v2/library/{repository}/manifests/{version}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": MANIFESTS}), timeout=5) as response:
            digest = response.headers.get("Docker-Content-Digest")
            manifest = json.load(response)
    except OSError:
        return False
    # An engine names an image by its configuration, one with containerd's image store by its manifest.
    return image_id in (digest, manifest.get("config", {}).get("digest"))


def _image_id(client: docker.DockerClient, builder: Builder, name: str) -> str:
    return str(client.images.get(builder.tag(name)).id)


def _endpoint(container: Container) -> str:
    container.reload()
    bindings = container.ports.get("5000/tcp")
    if not bindings:
        logs = container.logs(tail=20).decode(errors="replace")
        raise LabError(f"registry {NAME}: port 5000 is not published, the container is {container.status}:\n{logs}")
    return f"127.0.0.1:{bindings[0]['HostPort']}"


def _wait(container: Container) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        try:
            with urllib.request.urlopen(f"http://{_endpoint(container)}/v2/", timeout=2):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(
                    f"registry {NAME}: no answer within {START_DEADLINE:.0f} s ({error}); see `docker logs {NAME}`."
                ) from error
        time.sleep(0.1)


def stand_ins(names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that the registry serves."""
    return [name for name in names if name in images.STAND_INS]
