# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives an app's data before it is deleted: a dump of each database, a tar of each volume, and a manifest."""

from __future__ import annotations

import datetime
import glob
import hashlib
import json
import os
import shutil
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, Run
from ansible_collections.berth.server.plugins.module_utils._files import make_directory, write_atomically

# (argv, file for stdin or empty, file for stdout or empty) -> exit code, stderr
Stream = t.Callable[[list[str], str, str], tuple[int, str]]
PARTIAL = ".partial"
MANIFEST = "manifest.json"


class ArchiveError(Exception):
    """Something could not be archived; nothing has been deleted."""


class Archive:
    """One archive in ``<root>/<time>/``, which has another name until it is whole."""

    def __init__(self, docker: Docker, run: Run, stream: Stream, root: str) -> None:
        self._docker = docker
        self._run = run
        self._stream = stream
        self._root = root
        self._partial = ""
        self._entries: list[dict[str, t.Any]] = []
        self.directory = ""

    def database(self, instance: str, name: str) -> None:
        """Add a dump in Postgres' custom format, which must be readable again."""
        container = _names.postgres_host(instance)
        path = self._path(f"postgres-{instance}-{name}.dump")
        connect = ["--username=postgres", "--format=custom", f"--dbname={name}"]
        self._piped(["docker", "exec", container, "pg_dump", *connect], "", path, f"database {name}")
        listed = ["docker", "exec", "--interactive", container, "pg_restore", "--list"]
        self._piped(listed, path, os.devnull, f"the dump of database {name}")
        self._add(path, kind="database", name=name, instance=instance)

    def volume(self, name: str) -> None:
        """Add a compressed tar of a volume, with owners by number."""
        path = self._path(f"volume-{name}.tar.gz")
        source = self._docker("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip()
        argv = ["tar", "--create", "--gzip", "--numeric-owner", "--acls", "--xattrs", "--file", path]
        code, _out, err = self._run([*argv, "--directory", source, "."])
        if code != 0:
            raise ArchiveError(f"volume {name} was not archived: tar ended with {code}: {err.strip()[-1000:]}")
        self._add(path, kind="volume", name=name)

    def finish(self) -> None:
        """Write the manifest and give the archive its name; from then on its content may be deleted elsewhere."""
        if not self._partial:
            return
        manifest = json.dumps({"archived": os.path.basename(self._named), "content": self._entries}, indent=1)
        write_atomically(os.path.join(self._partial, MANIFEST), manifest + "\n", mode=0o600)
        os.rename(self._partial, self._named)
        self.directory, self._partial = self._named, ""

    def _path(self, name: str) -> str:
        if not self._partial:
            # What a removal that broke off has left: its content is still where it came from.
            for left in glob.glob(os.path.join(self._root, f"*{PARTIAL}")):
                shutil.rmtree(left)
            now = datetime.datetime.now(datetime.timezone.utc)
            self._named = os.path.join(self._root, f"{now:%Y%m%dt%H%M%Sz}")
            self._partial = self._named + PARTIAL
            make_directory(os.path.dirname(self._root), 0o700)
            make_directory(self._root, 0o700)
            make_directory(self._partial, 0o700)
        return os.path.join(self._partial, name)

    def _piped(self, argv: list[str], source: str, target: str, what: str) -> None:
        code, err = self._stream(argv, source, target)
        if code != 0:
            tool = next(word for word in argv if word.startswith("pg_"))
            raise ArchiveError(f"{what} was not archived: {tool} ended with {code}: {err.strip()[-1000:]}")

    def _add(self, path: str, **entry: str) -> None:
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
            os.fsync(stream.fileno())
        os.chmod(path, 0o600)
        size = os.path.getsize(path)
        self._entries.append({**entry, "file": os.path.basename(path), "bytes": size, "sha256": digest.hexdigest()})
