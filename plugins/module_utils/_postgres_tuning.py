# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters that fit the machine, for an instance that says nothing about them.

The rules are those of the Postgres documentation (chapter "Resource Consumption": a quarter of the memory for
``shared_buffers``) and of PGTune (https://github.com/le0pard/pgtune, type "web"), but from a part of the machine:
applications live on it as well. Results must be equal in every run, or else a server would be restarted for nothing.
"""

from __future__ import annotations

import math
import re
import typing as t

MIB = 1024**2
GIB = 1024**3
SIZE = re.compile(r"([1-9][0-9]*)(MB|GB)\Z")
SIZE_WORDS = "a size like 512MB or 8GB"
# Less is no instance: Postgres' own defaults want about this much.
SMALLEST = 256 * MIB
MAX_CONNECTIONS = 100


def size(text: str) -> int:
    """Return the bytes of a size like ``512MB``."""
    match = SIZE.match(text)
    if not match:
        raise ValueError(f"found {text!r}, expected {SIZE_WORDS}")
    return int(match[1]) * (GIB if match[2] == "GB" else MIB)


def nominal(memory: int) -> int:
    """Return what the machine was sold with: its ``MemTotal`` in bytes, rounded up to a quarter of the power of two.

    The kernel keeps some per cent for itself, and how much differs from boot to boot. Sizes that machines are sold
    with stand at the upper end of a step, so that neither this nor another kernel leads to another result.
    """
    step = 2 ** math.floor(math.log2(max(memory, 2) - 1)) // 4 or 1
    return -(-memory // step) * step


def memories(memory: int, percent: int, wanted: t.Mapping[str, str | None]) -> dict[str, int]:
    """Return the bytes that each instance may plan with; those that do not say share what is left, in whole MiB.

    ``memory``: the machine's ``MemTotal`` in bytes. ``percent``: what all instances may plan with together.
    """
    given = {name: size(text) for name, text in wanted.items() if text}
    left = nominal(memory) * percent // 100 - sum(given.values())
    rest = max(left // max(len(wanted) - len(given), 1) // MIB * MIB, SMALLEST)
    return {name: given.get(name, rest) for name in wanted}


def tuned(memory: int, cpus: int, connections: int = MAX_CONNECTIONS) -> dict[str, str]:
    """Return parameters for an instance that may plan with ``memory`` bytes and ``cpus`` cores."""
    mebibytes = memory // MIB
    shared_buffers = mebibytes // 4
    # Several sorts or hashes in each connection, not all of which sort at once: PGTune counts three for each.
    work_mem = max((mebibytes - shared_buffers) // (connections * 3), 4)
    max_wal_size = min(max(2 ** math.floor(math.log2(mebibytes)), 1024), 4096)
    parallel = min(cpus // 2, 4)
    return {
        "shared_buffers": f"{shared_buffers}MB",
        "effective_cache_size": f"{mebibytes * 3 // 4}MB",
        "maintenance_work_mem": f"{min(max(mebibytes // 16, 64), 2048)}MB",
        "work_mem": f"{work_mem}MB",
        "max_connections": str(connections),
        "max_wal_size": f"{max_wal_size}MB",
        "min_wal_size": f"{max_wal_size // 4}MB",
        # Background workers of extensions come out of these as well: never fewer than Postgres' own default.
        "max_worker_processes": str(max(cpus, 8)),
        "max_parallel_workers": str(cpus),
        "max_parallel_workers_per_gather": str(parallel),
        "max_parallel_maintenance_workers": str(parallel),
    }


def shared_memory(memory: int) -> int:
    """Return bytes for ``/dev/shm``, a limit and no reservation.

    Parallel queries and parallel builds of an index (pgvector's) share memory there, up to ``maintenance_work_mem``.
    """
    return max(memory // 4, 256 * MIB)


def stop_grace(memory: int) -> int:
    """Return the seconds that a stop may take: at worst all of ``shared_buffers`` is written, at 50 MB/s or more."""
    return 60 + 20 * math.ceil(memory / 4 / GIB)
