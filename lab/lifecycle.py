"""The commands: what is brought up in which order, and taken down again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from lab import bases, certificates, engine, network, outside, registry, servers
from lab.errors import LabError
from lab.images import IMAGES, ON_DEMAND, Builder
from lab.progress import phase, say
from lab.state import Lab, Server, State


def build(state: State, names: Sequence[str]) -> None:
    """Build the images ``names`` (all when empty) and bring the registry's content up to date."""
    client = engine.connect()
    with state.lock():
        hub = registry.hub_answers()
        _build(client, hub, names or (*IMAGES,))


def up(state: State, name: str, publish: bool) -> None:
    """Bring up server ``name`` and all that it needs; a server that runs already costs nothing."""
    servers.check_name(name)
    client = engine.connect()
    if _is_up(client, state, name):
        _say_up(state, name, publish)
        return
    with phase(f"server {name} and what it needs"):
        with state.lock():
            builder = _shared(client, state)
        container = _server(client, state, builder, name, publish)
        _record(state, name, container)
    _say_up(state, name, publish)


def down(state: State, name: str) -> None:
    """Remove server ``name`` with its data."""
    servers.check_name(name)
    client = engine.connect()
    with state.lock():
        removed = servers.remove(client, name)
        lab = state.read()
        if lab and lab.servers.pop(name, None):
            state.write(lab)
            state.remember_host_keys(f"berth-{name}", [])
    say(f"lab: server {name} {'removed' if removed else 'was not there'}")


def down_all(state: State, purge: bool) -> None:
    """Remove every container of the lab and its network; with ``purge`` images, registry content and state too."""
    client = engine.connect()
    with state.lock():
        for container in network.labelled(client):
            name = container.labels.get(servers.SERVER_LABEL)
            if name:
                servers.remove(client, name)
            else:
                container.remove(force=True, v=True)
        with contextlib.suppress(NotFound):
            client.networks.get(network.NAME).remove()
        lab = state.read()
        if lab:
            lab.servers.clear()
            state.write(lab)
        if purge:
            _purge(client, state)
    say("lab: everything is down" + (" and purged" if purge else "; images and registry content are kept"))


def status(state: State) -> int:
    """Print what runs; return 0 when every container of the lab does."""
    client = engine.connect()
    found = network.labelled(client)
    for container in sorted(found, key=lambda item: str(item.name)):
        label = container.labels.get(network.ADDRESS_LABEL, "")
        print(f"{container.name:40} {container.labels[network.LABEL]:10} {label:14} {container.status}")
    if not found:
        print(f"nothing is up; state in {state.directory}")
    return 0 if all(container.status == "running" for container in found) else 1


def _build(client: docker.DockerClient, hub: bool, names: Sequence[str]) -> Builder:
    builder = Builder(client, hub)
    if hub:
        # The real images are pulled by whoever uses them.
        builder.ensure([name for name in names if name in ("server", "outside")])
        return builder
    builder.ensure([*names, "registry"])
    network.ensure(client)
    registry.publish(client, builder, registry.stand_ins(names))
    return builder


def _shared(client: docker.DockerClient, state: State) -> Builder:
    """Make what all servers share. Callers hold the lock."""
    lab = state.read()
    hub = not lab.registry_mirrors if lab else registry.hub_answers()
    certificate, key = certificates.ensure_authority(state.directory / "ca")
    certificates.ensure_ssh_identity(state.identity)
    builder = _build(client, hub, [name for name in IMAGES if name not in ON_DEMAND])
    network.ensure(client)
    outside.ensure(client, builder, certificate)
    state.write(
        Lab(
            registry_mirrors=[] if hub else [registry.MIRROR],
            ca_certificate=str(certificate),
            ca_key=str(key),
            outside=outside.NAME,
            servers=lab.servers if lab else {},
        )
    )
    return builder


def _server(client: docker.DockerClient, state: State, builder: Builder, name: str, publish: bool) -> Container:
    """Start server ``name``, under the first confinement that boots it, and wait for it outside the lock."""
    reasons = []
    for label, confinement in servers.CONFINEMENTS.items():
        try:
            with state.lock():
                existing = servers.start_existing(client, name)
                ports = servers.free_ports() if publish and not existing else []
                container = existing or servers.create(client, name, builder.tag("server"), ports, confinement)
        except servers.RefusedError as error:
            reasons.append(f"{label}: {error}")
            continue
        if servers.wait_booted(container):
            return container
        if existing:
            raise LabError(
                f"server {name}: exists but does not boot within {servers.BOOT_DEADLINE:.0f} s; "
                f"`python -m lab down {name}` removes it with its data. {servers.boot_failure(container)}"
            )
        reasons.append(f"{label}: {servers.boot_failure(container)}")
        with state.lock():
            servers.remove(client, name)
    raise LabError(f"server {name}: does not boot within {servers.BOOT_DEADLINE:.0f} s:\n" + "\n".join(reasons))


def _record(state: State, name: str, container: Container) -> None:
    servers.admit(container, certificates.ensure_ssh_identity(state.identity))
    keys = servers.host_keys(container)
    with state.lock():
        lab = state.read()
        if lab is None:
            raise LabError(f"state {state.directory}: lab.json vanished; was the lab purged meanwhile? Run `up` again.")
        lab.servers[name] = Server(servers.address_of(container), f"berth-{name}")
        state.write(lab)
        state.remember_host_keys(f"berth-{name}", keys)


def _is_up(client: docker.DockerClient, state: State, name: str) -> bool:
    """Say whether server, outside and registry run as lab.json has it; images are not looked at."""
    lab = state.read()
    if lab is None or name not in lab.servers:
        return False
    running = {c.name: c for c in network.labelled(client) if c.status == "running"}
    needed = [servers.container_name(name), outside.NAME, *([registry.NAME] if lab.registry_mirrors else [])]
    if not all(container in running for container in needed):
        return False
    server = lab.servers[name]
    current = servers.address_of(running[servers.container_name(name)]) == server.address
    return current and servers.sshd_greets(server.address)


def _say_up(state: State, name: str, publish: bool) -> None:
    lab = state.read()
    if lab is None:
        return
    say(f"lab: server {name} is up at {lab.servers[name].address}: ssh -F {state.ssh_config} berth-{name}")
    if publish:
        container = servers.get(engine.connect(), name)
        published = sorted(
            (binding["HostPort"] for found in container.ports.values() for binding in found or []), key=int
        )
        say(f"lab: published on 127.0.0.1: {', '.join(published) or 'nothing; take the server down first'}")


def _purge(client: docker.DockerClient, state: State) -> None:
    for volume in client.volumes.list(filters={"label": network.LABEL}):
        volume.remove(force=True)
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith("berth-lab/"):
                with contextlib.suppress(APIError):
                    client.images.remove(tag, force=True)
    client.images.prune(filters={"dangling": True, "label": f"{bases.BUILT_LABEL}=yes"})
    # The lock is held on a file in here, so the directory itself stays.
    for path in state.directory.iterdir():
        if path.name != "lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
