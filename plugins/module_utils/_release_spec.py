# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release is made of: its stack with environment and files, and the names of its images and project."""

from __future__ import annotations

import base64
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _compose
from ansible_collections.berth.server.plugins.module_utils._files import File
from ansible_collections.berth.server.plugins.module_utils._mounts import PRIVATE, SHARED
from ansible_collections.berth.server.plugins.module_utils._references import rendered_key, replicas_of
from ansible_collections.berth.server.plugins.module_utils._release import Record
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Directory, StackSpec


def project_name(app: t.Mapping[str, t.Any], release: str) -> str:
    """Return the Compose project of a release."""
    return f"{app['name']}-{release}"


def image_tag(app: t.Mapping[str, t.Any], service: str, release: str) -> str:
    """Return the tag that keeps a release's image."""
    return f"berth/{app['name']}-{service}:{release}"


def private_files(values: t.Mapping[str, t.Any], version: str) -> list[File]:
    """Return the files that services are given, which nobody else reads; ``values`` as ``resolve`` returns them."""
    return [
        File(
            path=entry["path"],
            content=_content(entry, version),
            owner=entry.get("owner", 0),
            group=entry.get("group", 0),
            mode=int(entry["mode"], 8),
            sensitive=True,
        )
        for service in sorted(values)
        for entry in values[service].get("files", ())
    ]


def _content(entry: t.Mapping[str, str], version: str) -> str:
    if "base64" in entry:
        return base64.b64decode(entry["base64"]).decode("utf-8", "surrogateescape")
    return entry["literal"] if "literal" in entry else _compose.literal(entry["compose"], {"VERSION": version})


def who_mounts(app: t.Mapping[str, t.Any], files: t.Sequence[File], contents: t.Sequence[str]) -> list[str]:
    """Return the services that mount these files, or content in these directories.

    A container holds on to a mounted file although another has taken its name.
    """
    sources = [f"./{file.path}" for file in files]
    sources += [f"{SHARED}/{os.path.basename(directory)}/" for directory in contents]
    return [
        service
        for service, definition in app["services"].items()
        if any(
            isinstance(mount, dict) and f"{mount.get('source')}/".startswith(tuple(sources))
            for mount in definition.get("volumes") or ()
        )
    ]


def stack_spec(
    app: t.Mapping[str, t.Any],
    record: Record,
    environment: t.Mapping[str, t.Mapping[str, str]],
    files: t.Sequence[File],
    directory: str,
    timeout: float,
    restart: t.Collection[str] = (),
) -> StackSpec:
    """Return the stack of a release. ``restart``: services whose containers must be restarted."""
    keys = {s: [rendered_key(name, record.id) for name in replicas_of(app, s)] for s in app["services"]}
    given = {key: environment[service] for service, names in keys.items() for key in names}
    given.update({name: values for name, values in environment.items() if name not in keys})  # what runs once
    tags = {service: image_tag(app, service, record.id) for service in app["services"]}
    return StackSpec(
        name=project_name(app, record.id),
        directory=directory,
        project=_compose.render(app, record.id, record.version, tags, record.addresses),
        files=files,
        # Each file is mounted by itself: its own mode says who reads it in a container, this one who does here.
        directories=[Directory(PRIVATE, mode=0o700)] if files else [],
        environment=given,
        restart=[key for service in restart for key in keys[service]],
        timeout=timeout,
    )
