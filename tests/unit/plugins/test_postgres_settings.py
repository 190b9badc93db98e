# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._postgres_settings import is_same, names_in, needs_restart


def row(setting: str, vartype: str = "string", unit: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    return {
        "setting": setting,
        "vartype": vartype,
        "unit": unit,
        "boot_val": "100",
        "source": "configuration file",
        "pending_restart": False,
        **more,
    }


@pytest.mark.parametrize(
    ("wanted", "running", "expected"),
    [
        pytest.param("100", row("100", "integer"), True, id="number"),
        pytest.param("101", row("100", "integer"), False, id="another number"),
        pytest.param("1GB", row("131072", "integer", "8kB"), True, id="pages"),
        pytest.param("131072", row("131072", "integer", "8kB"), True, id="in its own unit"),
        pytest.param("1048576kB", row("131072", "integer", "8kB"), True, id="kilobytes"),
        pytest.param("1001kB", row("125", "integer", "8kB"), True, id="rounded"),
        pytest.param("1GB", row("16384", "integer", "8kB"), False, id="other size"),
        pytest.param("16MB", row("16777216", "integer", "B"), True, id="bytes"),
        pytest.param("5min", row("300", "integer", "s"), True, id="minutes"),
        pytest.param("5min", row("300000", "integer", "ms"), True, id="milliseconds"),
        pytest.param("5min", row("300", "integer", "kB"), False, id="a time where a size is"),
        pytest.param("1.5", row("1.5", "real"), True, id="real"),
        pytest.param("1.5", row("1.4", "real"), False, id="another real"),
        pytest.param("1e1", row("10", "real"), True, id="exponent"),
        pytest.param("nonsense", row("10", "integer"), False, id="no number"),
        pytest.param("1.2.3", row("10", "integer"), False, id="nearly a number"),
        pytest.param("true", row("on", "bool"), True, id="true"),
        pytest.param("off", row("on", "bool"), False, id="off"),
        pytest.param("Replica", row("replica", "enum"), True, id="enum"),
        pytest.param("a, b", row("a, b"), True, id="text"),
        pytest.param("a,b", row("a, b"), False, id="another text"),
    ],
)
def test_is_same(wanted: str, running: dict[str, t.Any], expected: bool) -> None:
    assert is_same(wanted, running) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 'b'\n", {"a": "'b'"}),
        ("a=1\nA 2\n", {"a": "2"}),
        ("# a = 1\n  # b\n\n", {}),
        ("a = 'it''s # no comment' # one\n", {"a": "'it''s # no comment'"}),
        ("pg_stat.max = on\n", {"pg_stat.max": "on"}),
    ],
)
def test_names_in(text: str, expected: dict[str, str]) -> None:
    assert names_in(text) == expected


RUNNING = {"max_connections": row("100", "integer"), "wal_buffers": row("512", "integer", "8kB", source="override")}
WRITTEN = "max_connections = '100'\nwal_buffers = '-1'\n"
SAME = {"max_connections": "100", "wal_buffers": "-1"}


@pytest.mark.parametrize(
    ("wanted", "written", "by_hand", "rows", "expected"),
    [
        pytest.param(SAME, WRITTEN, [], RUNNING, [], id="as it is"),
        pytest.param({**SAME, "max_connections": 77}, WRITTEN, [], RUNNING, ["max_connections"], id="changed"),
        pytest.param({**SAME, "MAX_CONNECTIONS": 100}, WRITTEN, [], RUNNING, [], id="its name in capitals"),
        pytest.param({**SAME, "work_mem": "1MB"}, WRITTEN, [], RUNNING, [], id="one that a reload brings"),
        pytest.param({"wal_buffers": "-1"}, WRITTEN, [], RUNNING, [], id="gone, and runs with its default"),
        pytest.param(
            {"wal_buffers": "-1"},
            WRITTEN.replace("100", "50"),
            [],
            {"max_connections": row("50", "integer")},
            ["max_connections"],
            id="gone",
        ),
        pytest.param(
            {**SAME, "wal_buffers": "16MB"}, WRITTEN, [], RUNNING, ["wal_buffers"], id="what Postgres computes itself"
        ),
        pytest.param(SAME, "", [], RUNNING, ["wal_buffers"], id="the file was emptied"),
        pytest.param(
            SAME, "max_connections = 9\nwal_buffers = '-1'", [], RUNNING, [], id="edited and not read by anybody"
        ),
        pytest.param(
            SAME,
            WRITTEN,
            ["max_connections"],
            {"max_connections": row("50", "integer")},
            ["max_connections"],
            id="by hand, and restarted",
        ),
        pytest.param(SAME, WRITTEN, ["max_connections"], RUNNING, [], id="by hand, and not restarted"),
        pytest.param(
            SAME,
            WRITTEN,
            [],
            {"max_connections": row("50", "integer", pending_restart=True)},
            ["max_connections"],
            id="pending",
        ),
        pytest.param(
            {"wal_level": "hot_standby"},
            "wal_level = 'hot_standby'",
            [],
            {"wal_level": row("replica", "enum")},
            [],
            id="shown in another word than it was given in",
        ),
        pytest.param(SAME, "", [], {}, [], id="does not run"),
    ],
)
def test_needs_restart(
    wanted: dict[str, t.Any],
    written: str,
    by_hand: list[str],
    rows: dict[str, dict[str, t.Any]],
    expected: list[str],
) -> None:
    assert needs_restart(wanted, written, by_hand, rows) == expected
