# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One form for a structure: in Python's own types, and as bytes, so that equal content always has an equal hash."""

from __future__ import annotations

import hashlib
import json
import typing as t


def plain(value: t.Any) -> t.Any:
    """Return a structure of Python's own types: Ansible's containers are templated while they are read."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def canonical_json(value: t.Any) -> str:
    """Return JSON with sorted keys and no free white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: t.Any) -> str:
    """Return the SHA-256 hex digest of a JSON-able value."""
    return text_hash(canonical_json(value))


def text_hash(text: str) -> str:
    """Return the SHA-256 hex digest of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
