# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack must do to become what is wanted: a pure comparison of desired and actual.

Compose is never asked what differs: its own configuration hash depends on the Compose version and does not see a moved
image tag. Each container carries the label ``berth.config`` instead, a hash of everything that makes it what it is.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.berth.server.plugins.module_utils._service import Attachment

ActionKind = t.Literal["create", "recreate", "start", "restart", "signal", "remove", "connect", "disconnect"]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service as wanted. ``config`` is None while its image is not there, so that its hash is not known."""

    name: str
    config: str | None
    image: str
    one_shot: bool = False
    networks: t.Mapping[str, Attachment] | None = None  # None: it lives on another's network
    lives_with: t.Collection[str] = ()


@dataclasses.dataclass(frozen=True)
class Container:
    """A container as found. ``state`` is Docker's word: created, running, paused, restarting, exited, dead.

    ``started``: when it last did, in seconds since 1970.
    """

    id: str
    service: str
    config: str | None
    state: str
    exit_code: int = 0
    healthy: bool = True
    started: float = 0
    networks: t.Mapping[str, Attachment] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ChangedFile:
    """A file whose readers have not seen its content. ``readers``: service -> ``restart`` or a signal's name.

    ``since``: when somebody else changed a file that its readers had seen; who started before has not read that.
    """

    path: str
    readers: t.Mapping[str, str]
    since: float = 0


@dataclasses.dataclass(frozen=True)
class Action:
    """One thing to do. ``argument`` is a signal's or a network's name; ``container`` the id it is done to."""

    kind: ActionKind
    service: str
    reason: str
    argument: str = ""
    container: str = ""

    def __str__(self) -> str:
        argument = f" {self.argument}" if self.argument else ""
        return f"{self.kind} {self.service}{argument}: {self.reason}"


def plan_stack(
    services: t.Sequence[Service],
    containers: t.Sequence[Container],
    changed_files: t.Sequence[ChangedFile] = (),
    restart: t.Mapping[str, str] | None = None,
    strangers: t.Mapping[str, str] | None = None,
    used: t.Collection[str] = (),
) -> list[Action]:
    """Return what to do, in the order in which it is to be done; nothing when all is as wanted.

    ``restart``: service -> the reason to restart it, which only the caller knows. ``strangers``: service -> id of a
    container that has the name of the service's and was made by somebody else. ``used``: networks not to be left.
    """
    wanted = {service.name for service in services}
    actions = [
        Action("remove", service, "somebody else made a container of its name", container=stranger)
        for service, stranger in (strangers or {}).items()
    ]
    actions += [
        Action("remove", container.service, "is no longer part of the stack", container=container.id)
        for container in containers
        if container.service not in wanted
    ]
    found: dict[str, Container] = {}
    for container in containers:
        if container.service in wanted and container.service in found:
            actions.append(Action("remove", container.service, "is there twice", container=container.id))
        found.setdefault(container.service, container)
    for service in services:
        actions += _plan_service(service, found.get(service.name), changed_files, restart or {}, used)
    for service in services:
        actions = _plan_namespaces(service, found.get(service.name), actions)
    return actions


def _plan_namespaces(service: Service, container: Container | None, actions: list[Action]) -> list[Action]:
    """Let a service follow those in whose namespaces it lives: a new container of theirs, or a new start."""
    kinds = {action.kind for action in actions if action.service in service.lives_with}
    own = {action.kind for action in actions if action.service == service.name}
    if container is None or own & {"create", "recreate"}:
        return actions
    others = ", ".join(sorted(service.lives_with))
    if kinds & {"create", "recreate"}:
        kept = [action for action in actions if action.service != service.name]
        return [*kept, Action("recreate", service.name, f"lives in namespaces of {others}, which is made anew")]
    if kinds & {"start", "restart"} and not own & {"start", "restart"}:
        reason = f"lives in namespaces of {others}, which starts anew"
        return [*actions, Action("restart", service.name, reason, container=container.id)]
    return actions


def _plan_service(
    service: Service,
    container: Container | None,
    changed_files: t.Sequence[ChangedFile],
    restart: t.Mapping[str, str],
    used: t.Collection[str],
) -> list[Action]:
    if container is None:
        return [Action("create", service.name, "there is no container")]
    if service.config is None:
        return [Action("recreate", service.name, f"image {service.image} is not here yet")]
    if service.config != container.config:
        return [Action("recreate", service.name, "its configuration, environment or image changed")]

    actions = _plan_networks(service, container, used)
    told = _plan_readers(service, container, changed_files, restart)
    if container.state == "exited" and service.one_shot and container.exit_code == 0:
        again = Action("start", service.name, told[0].reason, container.state, container.id) if told else None
        return [*actions, again] if again else actions
    if container.state in ("created", "exited"):
        return [*actions, Action("start", service.name, f"is {container.state}", container.state, container.id)]
    if container.state == "paused":
        # It goes on with what it has read.
        actions.append(Action("start", service.name, "is paused", container.state, container.id))
    if container.state in ("dead", "removing"):
        return [Action("recreate", service.name, f"is {container.state}")]
    if container.state == "restarting" or not container.healthy:
        problem = "is restarting again and again" if container.healthy else "is unhealthy"
        return [*actions, Action("restart", service.name, problem, container=container.id)]
    return actions + told


def _plan_networks(service: Service, container: Container, used: t.Collection[str]) -> list[Action]:
    if service.networks is None:
        return []
    actions = []
    for network, wanted in service.networks.items():
        have = container.networks.get(network)
        if have is None:
            reason = "is not on the network"
        elif wanted.ipv4_address and have.ipv4_address != wanted.ipv4_address:
            reason = f"has address {have.ipv4_address}, expected {wanted.ipv4_address}"
        elif not wanted.aliases <= have.aliases:
            reason = f"lacks the names {', '.join(sorted(wanted.aliases - have.aliases))}"
        else:
            continue
        actions.append(Action("connect", service.name, reason, network, container.id))
    actions += [
        Action("disconnect", service.name, "does not belong on the network", network, container.id)
        for network in container.networks
        if network not in service.networks and network not in used
    ]
    return actions


def _plan_readers(
    service: Service,
    container: Container,
    changed_files: t.Sequence[ChangedFile],
    restart: t.Mapping[str, str],
) -> list[Action]:
    told = [
        (file.path, how)
        for file in changed_files
        if (how := file.readers.get(service.name)) and (how != "restart" or container.started >= file.since)
    ]
    restarts = [path for path, how in told if how == "restart"]
    if service.name in restart:
        return [Action("restart", service.name, restart[service.name], container=container.id)]
    if restarts:
        return [Action("restart", service.name, f"{', '.join(restarts)} changed", container=container.id)]
    signals: dict[str, list[str]] = {}
    for path, how in told:
        signals.setdefault(how, []).append(path)
    return [
        Action("signal", service.name, f"{', '.join(paths)} changed", signal, container.id)
        for signal, paths in signals.items()
    ]


def describe_actions(title: str, actions: t.Iterable[Action | str]) -> dict[str, str]:
    """Return what happens to containers as a difference in Ansible's form."""
    lines = "".join(f"{action}\n" for action in actions)
    return {"before_header": title, "after_header": title, "before": "", "after": lines}


def impact(services: t.Sequence[Service], actions: t.Sequence[Action]) -> dict[str, str]:
    """Return the strongest thing that happens to each service: create, recreate, restart, ... or none."""
    order = ("none", "disconnect", "connect", "signal", "start", "restart", "remove", "recreate", "create")
    result = {service.name: "none" for service in services}
    for action in actions:
        known = result.get(action.service, "none")
        result[action.service] = max(known, action.kind, key=order.index)
    return result
