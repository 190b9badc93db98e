# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that people read at 3 a.m.; without PyYAML (a bare server in check mode) JSON, which is YAML too."""

from __future__ import annotations

import json
import re
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
    return str(yaml.dump(plain, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120))


def from_yaml(text: str) -> t.Any:
    """Return what a YAML document holds; ValueError where it is none."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error


def _dumper() -> t.Any:
    """Return a dumper that quotes what YAML 1.2, which Compose and Traefik read, takes for a number: 1e3, 0o17.

    PyYAML speaks YAML 1.1 and would leave those bare.
    """

    class Dumper(yaml.SafeDumper):
        """Writes YAML for readers of 1.2."""

    def represent_text(dumper: t.Any, text: str) -> t.Any:
        # A break that only YAML 1.1 knows is lost outside of double quotes.
        style = '"' if text[:1] in tuple("0123456789+-.~") or re.search("[\x85\u2028\u2029]", text) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent_text)
    return Dumper
