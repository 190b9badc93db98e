# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the everyday verbs (run, exec, logs, restart) decide: what is meant, what is run, how lines are shown."""

from __future__ import annotations

import datetime
import json
import re
import shlex
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _compose, _names, _service

_SPAN = re.compile(r"\d+(\.\d+)?\s*(s|sec|m|min|h|hr|d|w|days?|hours?|minutes?|weeks?)\Z")
_PLACES = {"app": "this server", "service": "the release that serves", "job": "the release that serves"}


class VerbError(Exception):
    """What was asked for is not there, or cannot be read."""


def one_of(kind: str, name: str, known: t.Iterable[str], app: str = "") -> str:
    """Return ``name`` if it is among those known, or raise VerbError, which names them."""
    names = sorted(known)
    if name in names:
        return name
    subject = f"app {app}: {kind}" if app else kind
    found = repr(name) if name else "nothing"
    listed = f"one of {', '.join(names)}" if names else f"one, but there is none in {_PLACES[kind]}"
    raise VerbError(f"{subject}: found {found}, expected {listed}. Say it with -e {kind}=<name>.")


def jobs_of(project: t.Mapping[str, t.Any]) -> list[str]:
    """Return the jobs in the Compose project of a release."""
    prefix = _names.job_service("")
    services = project.get("services") or {}
    return [key.removeprefix(prefix) for key, d in services.items() if key.startswith(prefix) and d.get("profiles")]


def running(containers: t.Iterable[t.Mapping[str, t.Any]], app: str, service: str) -> str:
    """Return the name of a service's first running container, or raise VerbError."""
    own = [c for c in containers if c["service"] == service]
    for container in own:
        if container["state"] == "running":
            return str(container["name"])
    found = f"{own[0]['name']}, which is {own[0]['state']}" if own else "no container"
    raise VerbError(f"app {app}: service {service}: found {found}, expected one that runs. site.yml repairs it.")


def to_restart(
    containers: t.Sequence[t.Mapping[str, t.Any]], app: str, services: t.Sequence[str], service: str
) -> list[str]:
    """Return the ids of the containers to restart, in the order of ``services``.

    All services, or one. What has ended and was meant to is left as it is unless it was named.
    """
    ids = []
    for name in [service] if service else services:
        own = [c for c in containers if c["Config"]["Labels"][_compose.SERVICE_LABEL] == name]
        if not own:
            raise VerbError(f"app {app}: service {name}: found no container, expected one. site.yml makes it.")
        ids += [c["Id"] for c in own if service or not _has_ended(c)]
    return ids


def is_one_shot(container: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a container is meant to end."""
    return _service.is_one_shot({"restart": container["HostConfig"]["RestartPolicy"]["Name"] or "no"})


def _has_ended(container: t.Mapping[str, t.Any]) -> bool:
    return is_one_shot(container) and container["State"]["Status"] == "exited"


def words(command: t.Any, typed: t.Sequence[str] = ()) -> list[str]:
    """Return a command as words: a list as it is, a text as a shell splits it. Raises VerbError.

    ``typed``: the values of ``-e`` on the command line. Ansible takes ``-e 'command=ls -l'`` for ``ls`` and drops
    the rest, so what was typed is read instead where it begins with the command that Ansible has read.
    """
    if isinstance(command, str):
        try:
            for text in (text.removeprefix("command=") for text in typed if text.startswith("command=")):
                split = shlex.split(text)
                if len(split) > 1 and split[0] == command:
                    return split
            command = shlex.split(command)
        except ValueError as error:
            raise VerbError(f"command: found {command!r} ({error}), expected words as in a shell") from error
    if not isinstance(command, (list, tuple)) or not command:
        raise VerbError("command: found nothing, expected a command. Say it with -e 'command=<words>'.")
    return [str(word) for word in command]


def log_command(app: str, service: str = "", since: str = "", lines: t.Any = 100, grep: str = "") -> list[str]:
    """Return journalctl's words for the lines of an app, of all its releases. Raises VerbError."""
    if not re.fullmatch(r"\d+", str(lines)):
        raise VerbError(f"lines: found {lines!r}, expected a number")
    return [
        "journalctl", "--output=json", "--quiet", f"--lines={lines}",
        *([f"--since=-{since}" if _SPAN.match(since) else f"--since={since}"] if since else []),
        *([f"--grep={grep}"] if grep else []),
        f"{_field(_compose.APP_LABEL)}={app}",
        *([f"{_field(_compose.SERVICE_LABEL)}={service}"] if service else []),
    ]  # fmt: skip


def log_lines(journal: str) -> list[str]:
    """Return journalctl's JSON as lines of UTC time, service and message, oldest first."""
    entries = sorted((json.loads(line) for line in journal.splitlines()), key=_moment)
    return [f"{_time(entry)} {entry.get(_field(_compose.SERVICE_LABEL), '')} | {_message(entry)}" for entry in entries]


def _field(label: str) -> str:
    """Return the journal's field for a label of a container."""
    return label.upper().replace(".", "_")


def _moment(entry: t.Mapping[str, t.Any]) -> int:
    return int(entry["__REALTIME_TIMESTAMP"])


def _time(entry: t.Mapping[str, t.Any]) -> str:
    moment = datetime.datetime.fromtimestamp(_moment(entry) / 1_000_000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def _message(entry: t.Mapping[str, t.Any]) -> str:
    """Return an entry's text; what is no UTF-8 or has control characters journalctl gives as a list of bytes."""
    message = entry.get("MESSAGE") or ""
    return bytes(message).decode("utf-8", "replace") if isinstance(message, list) else str(message)
