"""Servers: containers with systemd, sshd and room for a Docker of their own. A restart is a reboot."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from lab import containers, network
from lab.errors import LabError
from lab.progress import phase, say

BOOT_DEADLINE = 90.0
STOP_DEADLINE = 20
SERVER_LABEL = "berth.lab.server"
RESERVED = ("registry", "outside")
# What systemd and a Docker inside need, from the least that works to the most. The clock is the host's own, and not
# theirs to set. A host may lack SYS_RESOURCE (then it cannot be given) or SYS_TIME (then it cannot be dropped).
_UNCONFINED = ["seccomp=unconfined", "apparmor=unconfined"]
CONFINEMENTS: dict[str, dict[str, Any]] = {
    "all capabilities but SYS_TIME": {"cap_add": ["ALL"], "cap_drop": ["SYS_TIME"], "security_opt": _UNCONFINED},
    "all capabilities but SYS_TIME and SYS_RESOURCE": {
        "cap_add": ["ALL"],
        "cap_drop": ["SYS_TIME", "SYS_RESOURCE"],
        "security_opt": _UNCONFINED,
    },
    "all capabilities": {"cap_add": ["ALL"], "security_opt": _UNCONFINED},
    "privileged": {"privileged": True},
}


class RefusedError(LabError):
    """The engine cannot start a server under a confinement; the next one may do."""


def check_name(name: str) -> None:
    """Refuse what cannot be a host name or is the name of something else here."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", name) or name in RESERVED:
        raise LabError(
            f"server {name!r}: expected lower case letters, digits and hyphens, and not {' or '.join(RESERVED)}."
        )


def container_name(name: str) -> str:
    """Return the name of the container of server ``name``."""
    return f"berth-lab-{name}"


def get(client: docker.DockerClient, name: str) -> Container:
    """Return the container of server ``name``; LabError when there is none."""
    container = network.find(client, container_name(name))
    if container is None or container.labels.get(network.LABEL) != "server":
        raise LabError(f"server {name}: does not exist; run `python -m lab up {name}`.")
    return container


def address_of(container: Container) -> str:
    """Return the fixed address of a server's container."""
    label: str = container.labels[network.ADDRESS_LABEL]
    return label


def start_existing(client: docker.DockerClient, name: str) -> Container | None:
    """Return the container of server ``name``, started if it was stopped, or None."""
    container = network.find(client, container_name(name))
    if container is not None and container.status != "running":
        container.start()
    return container


def create(
    client: docker.DockerClient, name: str, image: str, publish: list[int], confinement: dict[str, Any]
) -> Container:
    """Create and start a server; RefusedError when the engine cannot give ``confinement``. Callers hold the lock."""
    nameservers = resolver_configuration()
    volumes = {purpose: f"{container_name(name)}-{purpose}" for purpose in ("docker", "containerd")}
    for volume in volumes.values():
        client.volumes.create(volume, labels={network.LABEL: "server", SERVER_LABEL: name})
    host = {
        "cgroupns": "private",
        "tmpfs": {"/run": "", "/run/lock": ""},
        # A Docker inside cannot stack overlays on an overlay.
        "binds": [f"{volume}:/var/lib/{purpose}" for purpose, volume in volumes.items()],
        "port_bindings": {f"{port}/tcp": ("127.0.0.1", port) for port in publish},
        # `reboot` inside ends process 1; the engine then starts it again.
        "restart_policy": {"Name": "on-failure"},
        **confinement,
    }
    address = network.free_address(client)
    labels = {SERVER_LABEL: name}
    try:
        container = network.create_container(
            client, container_name(name), "server", image, address, labels, host, hostname=name, unmasked=True
        )
        containers.put_files(container, {"/etc/berth-lab/resolv.conf": (0o644, nameservers.encode())})
        container.start()
    except APIError as error:
        remove(client, name)
        raise RefusedError(f"server {name}: the engine refused: {error.explanation}") from error
    return container


def admit(container: Container, public_key: str) -> None:
    """Let the holder of ``public_key`` log in as root. Keys of other state directories stay."""
    script = (
        "umask 077; mkdir -p /root/.ssh; touch /root/.ssh/authorized_keys; "
        'grep -qxF "$1" /root/.ssh/authorized_keys || printf "%s\\n" "$1" >> /root/.ssh/authorized_keys'
    )
    containers.run(container, ["sh", "-c", script, "sh", public_key])


def host_keys(container: Container) -> list[str]:
    """Return the server's public SSH keys as "type base64"."""
    lines = containers.run(container, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"]).splitlines()
    return [" ".join(line.split()[:2]) for line in lines if line.strip()]


def wait_booted(container: Container, deadline: float = BOOT_DEADLINE) -> bool:
    """Wait until systemd has finished starting and sshd greets; say whether that came before the deadline."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        container.reload()
        if container.status == "exited":
            return False
        if container.status == "running" and _systemd_finished(container) and sshd_greets(address_of(container)):
            return True
        time.sleep(0.2)
    return False


def sshd_greets(host: str) -> bool:
    """Say whether an SSH server answers at ``host``."""
    try:
        with socket.create_connection((host, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def boot_failure(container: Container) -> str:
    """Return what is known about a server that did not start."""
    logs = container.logs(tail=30).decode(errors="replace")
    failed = ""
    with contextlib.suppress(APIError):
        failed = containers.execute(container, ["systemctl", "--failed", "--no-legend", "--plain"])[1]
    return f"{container.name}: {container.status}; failed units: {failed.strip() or 'none known'}; last lines:\n{logs}"


def reboot(client: docker.DockerClient, name: str) -> None:
    """Restart a server as a reboot does and wait until it is back."""
    container = get(client, name)
    with phase(f"reboot {name}"):
        container.restart(timeout=STOP_DEADLINE)
        if not wait_booted(container):
            raise LabError(f"server {name}: not back within {BOOT_DEADLINE:.0f} s. {boot_failure(container)}")


def remove(client: docker.DockerClient, name: str) -> bool:
    """Remove a server with all its data; say whether there was one."""
    container = network.find(client, container_name(name))
    if container is not None:
        container.remove(force=True, v=True)
    for volume in client.volumes.list(filters={"label": f"{SERVER_LABEL}={name}"}):
        with contextlib.suppress(NotFound):
            volume.remove(force=True)
    return container is not None


def free_ports(ports: tuple[int, ...] = (80, 443)) -> list[int]:
    """Return those of ``ports`` that nothing answers on at 127.0.0.1; say which are taken."""
    free = []
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(1)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if taken:
            say(f"lab: port {port} on 127.0.0.1 is taken by something else and is not published")
        else:
            free.append(port)
    return free


def resolver_configuration(etc: Path = Path("/etc"), run: Path = Path("/run")) -> str:
    """Return the host's resolv.conf with name servers that a container can reach.

    A loopback address is systemd-resolved's own; it keeps the real ones in a second file.
    """
    for path in (etc / "resolv.conf", run / "systemd/resolve/resolv.conf"):
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if not re.match(r"\s*nameserver\s+(127\.|::1)", line)]
        if any(line.split()[:1] == ["nameserver"] for line in kept):
            return "\n".join(kept) + "\n"
    raise LabError(
        f"name servers: {etc}/resolv.conf names none but loopback, which a container cannot reach; "
        f"expected one there or in {run}/systemd/resolve/resolv.conf."
    )


def _systemd_finished(container: Container) -> bool:
    try:
        state = containers.execute(container, ["systemctl", "is-system-running"])[1]
    except APIError:
        return False
    return state.strip() in ("running", "degraded")
