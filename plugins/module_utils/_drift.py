# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others did to a stack behind berth's back: files that were edited, containers that took a name."""

from __future__ import annotations

import typing as t

from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._compose import APP_LABEL
from ansible_collections.berth.server.plugins.module_utils._files import File, FoundFile
from ansible_collections.berth.server.plugins.module_utils._stack import ChangedFile


def unread_files(
    files: t.Iterable[File], found: t.Mapping[str, FoundFile | None], known: t.Mapping[str, str]
) -> list[ChangedFile]:
    """Return the files that their readers have not read, or may have read as something else.

    ``found``: path -> what is on disk. ``known``: path -> hash of what readers were told last. Since when a file is
    gone, nothing tells.
    """
    unread = []
    for file in files:
        on_disk = found[file.path]
        if not file.readers:
            continue
        if known.get(file.path) != text_hash(file.content):
            unread.append(ChangedFile(file.path, file.readers))
        elif on_disk is None or on_disk.content != file.content:
            unread.append(ChangedFile(file.path, file.readers, on_disk.changed if on_disk else 0))
    return unread


def strangers(
    project: str, services: t.Mapping[str, t.Any], names: t.Mapping[str, tuple[str, str]], is_new: bool
) -> dict[str, str]:
    """Return service -> id of a container that somebody else made under the name of the service's own.

    ``names``: container name -> id and Compose project. Raises ValueError where the stack ``is_new`` on this server,
    so that the name belonged to somebody else before.
    """
    found = {}
    for service, definition in services.items():
        name = definition.get("container_name", "")
        container, owner = names.get(name, ("", project))
        if owner == project:
            continue
        if is_new:
            whose = f"one of the project {owner}" if owner else "one that Compose did not make"
            raise ValueError(
                f"Stack {project}: container {name}: found {whose}, expected the name to be free; rename or remove it."
            )
        found[service] = container
    return found


def still_used(
    services: t.Mapping[str, t.Any], containers: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]]
) -> set[str]:
    """Return the networks of running apps, which what the apps share is not to leave.

    An app that is about to change, or whose file is gone, still runs and would be cut off. What belongs to an app
    leaves: it has nothing to seek among others. ``containers``: Compose project -> ``docker inspect`` of each.
    """
    if any(APP_LABEL in (definition.get("labels") or {}) for definition in services.values()):
        return set()
    return {
        network
        for found in containers.values()
        for container in found
        if APP_LABEL in container["Config"]["Labels"] and container["State"]["Status"] == "running"
        for network in container["NetworkSettings"]["Networks"] or {}
    }
