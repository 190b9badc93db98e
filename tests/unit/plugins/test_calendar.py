# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.berth.server.plugins.module_utils._calendar import is_calendar

# All of these were given to `systemd-analyze calendar` of systemd 252, which takes the first and refuses the others.
GOOD = (
    "03:15", "3:5", "*:0/5", "00:00:00.5", "Mon", "mon..fri", "Sat,Sunday 10:00", "Mon..Fri 03:15", "*-*-01", "02-29",
    "2030-01-01 04:00", "*-*~3", "*-1..3,7/2-1 0:0", "Mon *-*-1..7 18:00", "hourly", "Daily", "weekly UTC",
    "03:15 Europe/Berlin", "*:*:0/10", "*-*-* 4,16:00",
)  # fmt: skip
BAD = (
    "", " ", "03:15 tomorrow", "every day", "25:00", "12:60", "3", "0315", "*", "*-13-01", "*-*-32", "*-0-1", "Mo",
    "Monn", "fri..", "10:00 Mon", "03:15 04:15", "*:0/0", "5..3:00", "@reboot", "15 3 * * *", "03:15\nUnit=x.service",
    "daily 03:15", "03:15%", "Mon\n03:15", "03:15\n",
)  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_calendar_expressions(text: str) -> None:
    assert is_calendar(text)


@pytest.mark.parametrize("text", BAD)
def test_nonsense(text: str) -> None:
    assert not is_calendar(text)
