# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a stack or a release: what is on disk, what differs, an atomic write of all, and a way back."""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
import tempfile
import typing as t

Identity = t.Union[str, int]  # noqa: UP007 - ansible-test's pylint reads it as Python 3.8


@dataclasses.dataclass(frozen=True)
class File:
    """A file as wanted: ``path`` relative to its directory, ``mode`` as a number, owner and group by name or id."""

    path: str
    content: str
    owner: Identity = 0
    group: Identity = 0
    mode: int = 0o644
    sensitive: bool = False
    readers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class FoundFile:
    """A file as it is on disk. ``changed``: when it last was, in seconds since 1970."""

    content: str
    uid: int
    gid: int
    mode: int
    changed: float = dataclasses.field(default=0, compare=False)


def read_file(path: str) -> FoundFile | None:
    """Return the file, or None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            status = os.fstat(stream.fileno())
            mode = status.st_mode & 0o7777
            return FoundFile(stream.read(), status.st_uid, status.st_gid, mode, status.st_ctime)
    except FileNotFoundError:
        return None


def differs(wanted: File, found: FoundFile | None) -> bool:
    """Tell whether the file must be written."""
    if found is None or found.content != wanted.content or found.mode != wanted.mode:
        return True
    return (found.uid, found.gid) != (user_id(wanted.owner), group_id(wanted.group))


def describe_difference(directory: str, wanted: File, found: FoundFile | None) -> dict[str, str]:
    """Return the difference in Ansible's form; of a sensitive file only that it differs."""
    path = os.path.join(directory, wanted.path)
    before = found.content if found else ""
    after = wanted.content
    if wanted.sensitive:
        changed = before != after
        before = "(content not shown)\n" if found else ""
        after = "(new content not shown)\n" if changed else before
    attributes = f"{wanted.owner}:{wanted.group} {wanted.mode:04o}"
    known = f"{found.uid}:{found.gid} {found.mode:04o}" if found else "absent"
    return {
        "before_header": f"{path} ({known})",
        "after_header": f"{path} ({attributes})",
        "before": before,
        "after": after,
    }


class FileTransaction:
    """Writes files atomically one by one and can put back what was there before the first."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._before: dict[str, FoundFile | None] = {}

    def write(self, file: File) -> None:
        """Write a file; readers see the old or the new content, never a part."""
        path = os.path.join(self._directory, file.path)
        self._before.setdefault(path, read_file(path))
        write_atomically(path, file.content, user_id(file.owner), group_id(file.group), file.mode)

    def remove(self, path: str) -> None:
        """Remove a file that is no longer wanted."""
        full = os.path.join(self._directory, path)
        self._before.setdefault(full, read_file(full))
        if os.path.exists(full):
            os.unlink(full)

    def undo(self) -> None:
        """Put every file back as it was before this transaction."""
        for path, found in self._before.items():
            if found is not None:
                write_atomically(path, found.content, found.uid, found.gid, found.mode)
            elif os.path.exists(path):
                os.unlink(path)
        self._before.clear()


def write_atomically(path: str, content: str, uid: int = 0, gid: int = 0, mode: int = 0o644) -> None:
    """Replace a file by rename within its directory, so that a mounted directory shows it whole."""
    make_directory(os.path.dirname(path))
    handle, temporary = tempfile.mkstemp(prefix=".berth-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def make_directory(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
    """Create a directory and its parents where they are missing; an existing one is left as it is."""
    if os.path.isdir(path):
        return
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)
    os.chown(path, uid, gid)


def user_id(owner: Identity) -> int:
    """Return a user's id; a number need not be known to the server, since it may belong to an image."""
    if str(owner).isdigit():
        return int(owner)
    try:
        return pwd.getpwnam(str(owner)).pw_uid
    except KeyError as error:
        raise ValueError(
            f"owner {owner}: found no such user on this server; expected a name it knows or an id"
        ) from error


def group_id(group: Identity) -> int:
    """Return a group's id; a number need not be known to the server."""
    if str(group).isdigit():
        return int(group)
    try:
        return grp.getgrnam(str(group)).gr_gid
    except KeyError as error:
        raise ValueError(
            f"group {group}: found no such group on this server; expected a name it knows or an id"
        ) from error
