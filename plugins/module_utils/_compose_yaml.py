# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a compose file's YAML as Compose does: YAML 1.2's scalars, and the tags ``!reset`` and ``!override``."""

from __future__ import annotations

import dataclasses
import re
import typing as t

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


@dataclasses.dataclass(frozen=True)
class Override:
    """A value that replaces what earlier files say instead of being merged; None removes it."""

    value: t.Any = None


class ComposeYamlError(Exception):
    """The text is no YAML; the message says where."""


def load(text: str) -> t.Any:
    """Return the document. ``no`` is a word and ``22:22`` no number, as for Compose."""
    if not HAS_YAML:
        raise ComposeYamlError("PyYAML is not there; install it with: pip install pyyaml")
    try:
        return yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        raise ComposeYamlError(f"{getattr(error, 'problem', None) or 'not YAML'}{place}") from error


def _loader() -> t.Any:
    class Loader(yaml.SafeLoader):
        """Knows null, true, false and numbers; everything else is text."""

        yaml_implicit_resolvers = {}  # noqa: RUF012 - SafeLoader has them in the same place

    for tag, pattern, starts in (
        ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
        ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
        ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)", list("-+0123456789")),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
        ("merge", r"<<", ["<"]),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^{pattern}\Z"), starts)

    def integer(loader: t.Any, node: t.Any) -> int:
        text = loader.construct_scalar(node)
        if re.fullmatch(r"0[ox][0-9a-fA-F]+", text):
            return int(text, 0)
        # A leading 0 is octal for Compose's reader as well: modes are written so.
        return int(text, 8 if re.fullmatch(r"[-+]?0[0-7]+", text) else 10)

    def override(loader: t.Any, node: t.Any) -> Override:
        kinds = {yaml.MappingNode: loader.construct_mapping, yaml.SequenceNode: loader.construct_sequence}
        build = kinds.get(type(node))
        return Override(build(node, deep=True) if build else loader.construct_object(_untagged(loader, node)))

    Loader.add_constructor("tag:yaml.org,2002:int", integer)
    Loader.add_constructor("!override", override)
    Loader.add_constructor("!reset", lambda _loader, _node: Override())
    return Loader


def _untagged(loader: t.Any, node: t.Any) -> t.Any:
    tag = loader.resolve(yaml.ScalarNode, node.value, (node.style is None, node.style is not None))
    return yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark, node.style)
