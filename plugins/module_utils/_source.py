# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build contexts on the controller: which files belong to one (``.dockerignore``), their hash, an archive of them."""

from __future__ import annotations

import hashlib
import pathlib
import tarfile

try:
    from docker.utils.build import exclude_paths

    HAS_DOCKER = True
except ImportError:
    HAS_DOCKER = False


class SourceError(Exception):
    """A build context is not usable; the message names it and says why."""


def content_files(directory: pathlib.Path) -> list[pathlib.Path]:
    """Return all files and links of a directory, sorted, relative to it, without ``.git``."""
    paths = (path.relative_to(directory) for path in directory.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path for path in paths if ".git" not in path.parts)


def content_digest(path: pathlib.Path) -> str:
    """Return 16 hex digits of a file or of a directory, as ``context_digest`` does."""
    if path.is_dir():
        return _digest(path, content_files(path))
    return _digest(path.parent, [pathlib.Path(path.name)])


def context_files(context: pathlib.Path) -> list[pathlib.Path]:
    """Return a context's files and links, sorted, relative to it, without what ``.dockerignore`` names and ``.git``."""
    if not HAS_DOCKER:
        raise SourceError("found no Docker SDK for Python where Ansible runs; install it with: pip install docker")
    if not context.is_dir():
        raise SourceError(f"found no directory {context}, expected a build context there")
    ignore = context / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    names = exclude_paths(str(context), [*patterns, ".git"], dockerfile="Dockerfile")
    paths = (pathlib.Path(name) for name in names)
    return sorted(path for path in paths if (context / path).is_symlink() or (context / path).is_file())


def context_digest(context: pathlib.Path) -> str:
    """Return 16 hex digits of the content: names, executable bits, bytes and link targets."""
    return _digest(context, context_files(context))


def _digest(context: pathlib.Path, paths: list[pathlib.Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        full = context / path
        if full.is_symlink():
            kind, content = b"link", str(full.readlink()).encode()
        else:
            kind = b"executable" if full.stat().st_mode & 0o100 else b"file"
            content = full.read_bytes()
        for part in (str(path).encode(), kind, content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def write_archive(context: pathlib.Path, destination: pathlib.Path, below: str = "") -> None:
    """Write a gzipped tar of a context, owned by root and without times, whoever and wherever the controller is.

    ``below``: a directory to put everything in, also what ``.dockerignore`` names; the context may be a file then.
    """
    if not below:
        root, paths = context, context_files(context)
    elif context.is_dir():
        root, paths = context, content_files(context)
    else:
        root, paths = context.parent, [pathlib.Path(context.name)]

    def as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.mtime = 0
        entry.uname = entry.gname = "root"
        # Whatever the controller's umask: an image's user must read them.
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(destination, "w:gz", compresslevel=3) as archive:
        directories = {pathlib.Path(below, parent) for path in paths for parent in path.parents} if below else set()
        for directory in sorted({*directories, pathlib.Path(below)} if below else ()):
            entry = tarfile.TarInfo(str(directory))
            entry.type = tarfile.DIRTYPE
            archive.addfile(as_root(entry))
        for path in paths:
            archive.add(root / path, arcname=str(pathlib.Path(below, path)), recursive=False, filter=as_root)
