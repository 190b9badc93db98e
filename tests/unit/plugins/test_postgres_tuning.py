# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_tuning import (
    GIB,
    MIB,
    memories,
    nominal,
    shared_memory,
    size,
    stop_grace,
    tuned,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("kibibytes", "gibibytes"),
    [
        # MemTotal of machines as they are sold.
        pytest.param(1_000_000, 1, id="1 GB"),
        pytest.param(2_014_400, 2, id="2 GB"),
        pytest.param(3_912_000, 4, id="4 GB"),
        pytest.param(8_131_000, 8, id="8 GB"),
        pytest.param(12_250_000, 12, id="12 GB"),
        pytest.param(16_384_000, 16, id="16 GB"),
        pytest.param(32_780_000, 32, id="32 GB"),
        pytest.param(65_840_000, 64, id="64 GB"),
        pytest.param(8 * 1024**2, 8, id="exactly 8 GiB"),
    ],
)
def test_nominal_is_what_the_machine_was_sold_with(kibibytes: int, gibibytes: int) -> None:
    assert nominal(kibibytes * 1024) == gibibytes * GIB


@given(sold=st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128]), kept=st.floats(0, 0.06))
def test_what_the_kernel_keeps_changes_nothing(sold: int, kept: float) -> None:
    assert nominal(int(sold * GIB * (1 - kept))) == sold * GIB


@given(memory=st.integers(1, 2**45))
def test_nominal_never_is_less_and_at_most_a_quarter_more(memory: int) -> None:
    assert memory <= nominal(memory) <= memory * 1.25 + 1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({"main": None}, {"main": 4096}, id="alone"),
        pytest.param({"main": None, "old": None}, {"main": 2048, "old": 2048}, id="two"),
        pytest.param({"main": "3GB", "old": None}, {"main": 3072, "old": 1024}, id="one says what it wants"),
        pytest.param({"main": "8GB", "old": None}, {"main": 8192, "old": 256}, id="nothing is left"),
        pytest.param({}, {}, id="none"),
    ],
)
def test_memories(wanted: dict[str, str | None], expected: dict[str, int]) -> None:
    assert memories(int(7.8 * GIB), 50, wanted) == {name: mebibytes * MIB for name, mebibytes in expected.items()}


@pytest.mark.parametrize(
    ("mebibytes", "cpus", "connections", "expected"),
    [
        pytest.param(
            256,
            1,
            100,
            {
                "shared_buffers": "64MB",
                "effective_cache_size": "192MB",
                "maintenance_work_mem": "64MB",
                "work_mem": "4MB",
                "max_connections": "100",
                "max_wal_size": "1024MB",
                "min_wal_size": "256MB",
                "max_worker_processes": "8",
                "max_parallel_workers": "1",
                "max_parallel_workers_per_gather": "0",
                "max_parallel_maintenance_workers": "0",
            },
            id="the smallest",
        ),
        pytest.param(
            4096,
            4,
            100,
            {
                "shared_buffers": "1024MB",
                "effective_cache_size": "3072MB",
                "maintenance_work_mem": "256MB",
                "work_mem": "10MB",
                "max_wal_size": "4096MB",
                "min_wal_size": "1024MB",
                "max_parallel_workers": "4",
                "max_parallel_workers_per_gather": "2",
            },
            id="half of 8 GB",
        ),
        pytest.param(4096, 4, 500, {"work_mem": "4MB", "max_connections": "500"}, id="many connections"),
        pytest.param(
            65536,
            32,
            100,
            {"maintenance_work_mem": "2048MB", "max_worker_processes": "32", "max_parallel_workers_per_gather": "4"},
            id="a large one",
        ),
    ],
)
def test_tuned(mebibytes: int, cpus: int, connections: int, expected: dict[str, str]) -> None:
    assert tuned(mebibytes * MIB, cpus, connections).items() >= expected.items()


@pytest.mark.parametrize(
    ("mebibytes", "shm", "grace"),
    [(256, 256, 80), (4096, 1024, 80), (32768, 8192, 220)],
    ids=["small", "4 GB", "32 GB"],
)
def test_the_container_follows(mebibytes: int, shm: int, grace: int) -> None:
    assert (shared_memory(mebibytes * MIB), stop_grace(mebibytes * MIB)) == (shm * MIB, grace)


@pytest.mark.parametrize("text", ["8", "8gb", "8 GB", "-1GB", "0GB", "8TB", ""])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size like 512MB"):
        size(text)
