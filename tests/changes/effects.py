"""What a run says it does to the server, and what was done to it, in the same words.

An effect is a tuple of what it happens to and what happens: ``("traefik", "restart traefik")``,
``("notes", "deploy")``, ``("engine", "create network shared")``, ``("task", "docker : Install Docker")``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.acceptance.server import Result, Server

Effect = tuple[str, str]

RELEASE = r"\d{8}t\d{6}z-[0-9a-f]{8}"
_OF_APP = re.compile(rf"(?P<app>[a-z0-9-]+)-(?P<service>[a-z0-9-]+)-(?P<release>{RELEASE})\Z")
# What a run does to containers. A signal leaves no trace in Docker's own records.
_TO_CONTAINERS = re.compile(r"(deploy|create|recreate|start|restart|remove|connect|disconnect|stop)\b")
# They bring what "Make the releases serve" builds from, which check mode tells of.
_STEPS = (
    "Archive the build context, or the content to mount",
    "Create its directory",
    "Unpack it on the server",
    "Give it its name",
)

_LOOK = r"""
set -eu
ids=$(docker ps --all --quiet --no-trunc)
test -z "$ids" && echo '[]' || docker inspect $ids
echo '=== networks'; docker network ls --no-trunc --format '{{.ID}} {{.Name}}' | sort
echo '=== images'; docker image ls --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
echo '=== volumes'; docker volume ls --format '{{.Name}}' | sort
echo '=== files'
find /srv/berth /etc/docker /etc/berth -type f -printf '%m %U:%G %p\n' 2>/dev/null | sort
find /srv/berth /etc/docker /etc/berth -type f -exec sha256sum {} + 2>/dev/null | sort
echo '=== links'; find /srv/berth -type l -printf '%p %l\n' | sort
"""


@dataclass(frozen=True)
class Container:
    """A container: who it is, since when it runs, where it hangs."""

    id: str
    started: str
    state: str
    networks: frozenset[str]


@dataclass(frozen=True)
class Look:
    """All that a run may change on the server. ``rest``: networks, images, volumes, files and links, a line each."""

    containers: dict[str, Container]
    rest: dict[str, list[str]]

    @classmethod
    def at(cls, server: Server) -> Look:
        """Look at the server once."""
        head, *parts = server.script(_LOOK).split("=== ")
        sections = {name: lines.splitlines() for name, _, lines in (part.partition("\n") for part in parts)}
        containers = {
            found["Name"].lstrip("/"): Container(
                id=found["Id"],
                started=found["State"]["StartedAt"],
                state=found["State"]["Status"],
                networks=frozenset(found["NetworkSettings"]["Networks"]),
            )
            for found in json.loads(head)
        }
        return cls(containers, sections)


def announced(result: Result, only_containers: bool = False) -> set[Effect]:
    """Return what a run, in check mode or not, says that it changes."""
    effects = {effect for name, outcome in result.changes for effect in _of_task(name, outcome)}
    return (
        {e for e in effects if _TO_CONTAINERS.match(e[1]) and e[0] not in ("task", "engine")}
        if only_containers
        else effects
    )


def _of_task(name: str, outcome: Mapping[str, Any]) -> Iterable[Effect]:
    for stack, told in (outcome.get("stacks") or {}).items():
        if told["changed"]:
            yield from ((stack, _without_reason(action)) for action in told["actions"])
            yield from ((stack, f"write {path}") for path in told["files"])
    for outcome_of_item in outcome.get("results") or ():
        if "stacks" in outcome_of_item:
            yield from _of_task(name, outcome_of_item)
    for app, told in (outcome.get("apps") or {}).items():
        if told["changed"]:
            yield from ((app, _without_release(_without_reason(action))) for action in told["actions"])
    if "actions" in outcome:
        yield from (("engine", _without_reason(action)) for action in outcome["actions"])
        return
    items = [item for item in outcome.get("results") or () if item.get("changed")]
    if any("stacks" in told for told in (outcome, *items)) or "apps" in outcome:
        return
    step = name.rpartition(" : ")[2]
    if "traefik : " in name:  # key, request, signature and files are one thing
        yield "task", "traefik : certificate"
    elif "postgres : " in name:  # what is made inside a new database, check mode cannot tell task by task
        yield "task", "postgres : databases"
    elif step not in _STEPS:
        for item in items or [{}]:
            label = item.get("item")
            which = label.get("name", "") if isinstance(label, Mapping) else label or ""
            yield "task", f"{name.removeprefix('berth.server.')} {which}".strip()


def _without_reason(action: str) -> str:
    words = action.partition(": ")[0].partition(" (")[0]
    kind = words.split()[0]
    return " ".join(words.split()[:2]) if kind == "start" else "deploy" if kind == "deploy" else words


def _without_release(action: str) -> str:
    return re.sub(rf"-{RELEASE}", "", action)


def observed(before: Look, after: Look) -> set[Effect]:
    """Return what happened to containers between two looks."""
    effects: set[Effect] = set()
    releases = [_releases(look) for look in (before, after)]
    redeployed = {app for app in releases[0] | releases[1] if releases[0].get(app) != releases[1].get(app)}
    effects |= {(app, "deploy") for app in redeployed}
    for name in sorted(set(before.containers) | set(after.containers)):
        match = _OF_APP.match(name)
        if match and match["app"] in redeployed:
            continue
        stack, service = (match["app"], match["service"]) if match else (name, name)
        effects |= {
            (stack, words) for words in _happened(service, before.containers.get(name), after.containers.get(name))
        }
    return effects


def _happened(service: str, old: Container | None, new: Container | None) -> Iterable[str]:
    if new is None:
        yield f"remove {service}"
    elif old is None:
        yield f"create {service}"
    elif old.id != new.id:
        yield f"recreate {service}"
    else:
        if old.started != new.started:
            yield f"{'restart' if old.state == 'running' else 'start'} {service}"
        yield from (f"connect {service} {network}" for network in sorted(new.networks - old.networks))
        yield from (f"disconnect {service} {network}" for network in sorted(old.networks - new.networks))


def _releases(look: Look) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in look.containers:
        if match := _OF_APP.match(name):
            found.setdefault(match["app"], set()).add(match["release"])
    return found
