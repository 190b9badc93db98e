# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that people read at 3 a.m.; without PyYAML (a bare server in check mode) JSON, which is YAML too."""

from __future__ import annotations

import json
import typing as t

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


def to_yaml(value: t.Any) -> str:
    """Return a YAML document; keys keep their order, any string survives a round trip."""
    plain = json.loads(json.dumps(value))
    if not HAS_YAML:
        return json.dumps(plain, indent=2) + "\n"
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
