# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack's files as they are wanted, in a place of their own, so that they can be judged before they go live."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _files

READ_ONLY = ":ro"


@contextlib.contextmanager
def candidate(directory: str, files: t.Sequence[_files.File], copied: t.Collection[str] = ()) -> t.Iterator[str]:
    """Make a temporary directory with the wanted files over a copy of ``copied``, paths in ``directory``; yield it."""
    with tempfile.TemporaryDirectory(prefix="berth-candidate-") as place:
        for path in copied:
            _copy_tree(os.path.join(directory, path), os.path.join(place, path))
        for file in files:
            _files.write_atomically(
                os.path.join(place, file.path),
                file.content,
                _files.user_id(file.owner),
                _files.group_id(file.group),
                file.mode,
            )
        yield place


def own_mounts(definition: t.Mapping[str, t.Any], directory: str) -> dict[str, str]:
    """Return path within ``directory`` -> target, of those mounts of a Compose service whose source is in there."""
    mounts = {}
    for mount in definition.get("volumes") or ():
        if isinstance(mount, t.Mapping):
            source, target = str(mount.get("source", "")), str(mount.get("target", ""))
        else:
            source, target = [*str(mount).split(":"), ""][:2]
        inside = os.path.relpath(source, directory) if os.path.isabs(source) else os.pardir
        if target and inside.split(os.sep)[0] != os.pardir:
            mounts[inside] = target
    return mounts


def check_command(
    image: str, definition: t.Mapping[str, t.Any], mounts: t.Mapping[str, str], place: str, command: t.Sequence[str]
) -> list[str]:
    """Return ``docker run`` arguments: the command in the image, over the candidate's files and nothing else."""
    volumes = [f"{os.path.normpath(os.path.join(place, path))}:{target}{READ_ONLY}" for path, target in mounts.items()]
    user = ["--user", str(definition["user"])] if "user" in definition else []
    return [
        *("run", "--rm", "--network", "none", "--security-opt", "no-new-privileges:true", "--log-driver", "none"),
        *user,
        *(word for volume in volumes for word in ("--volume", volume)),
        *("--entrypoint", command[0], image),
        *command[1:],
    ]


def _copy_tree(source: str, target: str) -> None:
    """Copy directories and regular files with owners and modes; sockets and the like have no place in a candidate."""
    os.makedirs(target, exist_ok=True)
    if not os.path.isdir(source):
        return
    _copy_attributes(source, target)
    for entry in os.scandir(source):
        destination = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            _copy_tree(entry.path, destination)
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, destination)
            _copy_attributes(entry.path, destination)


def _copy_attributes(source: str, target: str) -> None:
    shutil.copystat(source, target)
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
