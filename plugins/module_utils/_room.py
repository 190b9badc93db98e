# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a disk has room for what is about to be written to it."""

from __future__ import annotations

import json
import os
import re
import typing as t

# Written by the docker role; without it nothing is asked.
SETTINGS = "/etc/berth/docker.json"
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[kmgt]?i?b)\Z", re.IGNORECASE)
SIZE_WORDS = "a size like 2GB, 500MB or 5%"
_UNITS = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4}
_BINARY = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
# Beside the files themselves: directories, and what else happens on the disk meanwhile.
SPARE = 1_000_000


def parse_size(text: str, total: int = 0) -> int:
    """Return bytes; a share is one of ``total``. Raises ValueError."""
    match = SIZE.match(str(text).strip())
    if not match:
        raise ValueError(f"found {text!r}, expected {SIZE_WORDS}")
    number, unit = float(match[1]), match[2].lower()
    return int(number * total / 100) if unit == "%" else int(number * {**_UNITS, **_BINARY}[unit])


def shown(number: float) -> str:
    """Return bytes as people read them."""
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.{unit == 'MB':d}f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def wanted_for_images(path: str = SETTINGS) -> str:
    """Return how much must be free before images are fetched or built: what the docker role wrote, or nothing."""
    try:
        with open(path, encoding="utf-8") as stream:
            return str(json.load(stream)["minimum_free"])
    except (FileNotFoundError, ValueError, KeyError):
        return ""


def shortage(path: str, minimum: str) -> str:
    """Return a message where less than ``minimum`` is free on the disk of ``path``, and else nothing."""
    found = _disk(path)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    if not minimum or free >= parse_size(minimum, total):
        return ""
    return (
        f"needs at least {minimum} free on {path}, found {shown(free)} of {shown(total)}. Make room "
        "(`systemctl start berth-prune`, `docker system df`), enlarge the disk, or lower docker_minimum_free."
    )


def shortage_for_files(directory: str, sizes: t.Iterable[int]) -> str:
    """Return a message where files of these sizes, and the way back from them, do not fit on a directory's disk."""
    needed = 2 * sum(sizes) + SPARE
    found = _disk(directory)
    free = found.f_bavail * found.f_frsize
    if free >= needed:
        return ""
    return f"needs {shown(needed)} free on the disk of {directory}, found {shown(free)}. Make room there."


def _disk(path: str) -> os.statvfs_result:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.statvfs(path)
