# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on disk of an app's releases: records, the current one, the log, the lock."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import typing as t

from ansible_collections.berth.server.plugins.module_utils._files import make_directory, read_file, write_atomically
from ansible_collections.berth.server.plugins.module_utils._release import RELEASE_ID, Record, ReleaseError


class ReleaseStore:
    """The directory of one app: ``releases/<id>/``, ``current``, ``log.jsonl``, ``source/``."""

    def __init__(self, root: str, app: str) -> None:
        self.app = app
        self.directory = os.path.join(root, app)

    def release_directory(self, release: str) -> str:
        """Return where a release's files live."""
        return os.path.join(self.directory, "releases", release)

    def source_directory(self, digest: str) -> str:
        """Return where a build context with this digest is unpacked."""
        return os.path.join(self.directory, "source", digest)

    def content_directory(self, digest: str) -> str:
        """Return where content that releases mount is unpacked; its name is what they are rendered with."""
        return os.path.join(self.directory, "files", digest)

    def current(self) -> Record | None:
        """Return the record of the release that serves, or None before the first one."""
        link = os.path.join(self.directory, "current")
        return self.record(os.path.basename(os.readlink(link))) if os.path.islink(link) else None

    def record(self, release: str) -> Record | None:
        """Return a release's record."""
        found = read_file(os.path.join(self.release_directory(release), "release.json"))
        return Record.read(found.content) if found else None

    def write_record(self, record: Record) -> None:
        """Write a release's record."""
        path = os.path.join(self.release_directory(record.id), "release.json")
        write_atomically(path, json.dumps(dataclasses.asdict(record), indent=1) + "\n", mode=0o640)

    def make_current(self, release: str) -> None:
        """Point ``current`` at a release by an atomic rename."""
        link = os.path.join(self.directory, "current")
        temporary = f"{link}.new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(os.path.join("releases", release), temporary)
        os.replace(temporary, link)

    def append_log(self, record: Record) -> None:
        """Add an attempt to the log; a line is written whole or not at all."""
        path = os.path.join(self.directory, "log.jsonl")
        kept = {k: v for k, v in dataclasses.asdict(record).items() if k not in ("digest", "addresses")}
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "a", encoding="utf-8") as log:
            log.write(json.dumps(kept) + "\n")

    def releases(self) -> list[str]:
        """Return the ids of all releases on disk, oldest first."""
        try:
            names = os.listdir(os.path.join(self.directory, "releases"))
        except FileNotFoundError:
            return []
        return sorted(name for name in names if RELEASE_ID.match(name))

    def remove(self, release: str) -> None:
        """Remove a release's files."""
        shutil.rmtree(self.release_directory(release), ignore_errors=True)

    def prune_sources(self, sources: t.Collection[str], contents: t.Collection[str]) -> None:
        """Remove unpacked build contexts and mounted content but these."""
        for kind, keep in (("source", sources), ("files", contents)):
            root = os.path.join(self.directory, kind)
            for name in os.listdir(root) if os.path.isdir(root) else ():
                if name not in keep:
                    shutil.rmtree(os.path.join(root, name), ignore_errors=True)

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """Hold the app's lock, or raise ReleaseError; the kernel frees it when its holder dies."""
        make_directory(self.directory, 0o750)
        path = os.path.join(self.directory, "lock")
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o640), "r+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = stream.read().strip() or "unknown"
                raise ReleaseError(
                    f"app {self.app}: another deploy is running (process {holder}); try again when it ended."
                ) from error
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield
