# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stacks of all instances share."""

from __future__ import annotations

# The official images' postgres and redis users.
IMAGE_USER = "999"
HEALTH = {"interval": "5s", "timeout": "3s", "retries": 6, "start_period": "60s", "start_interval": "500ms"}
