# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets by name: what the file of an environment holds, what is missing or unused, how values change."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import difflib
import hashlib
import re
import secrets
import string
import typing as t

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)+\Z")
# The lookup's name, by which variables that read secrets are known.
LOOKUP = "berth.server.secret"
# What the file holds beside the secrets; no secret can have these names.
GENERATED = ".generated"
PREVIOUS = ".previous"
# Letters and digits alone survive URLs, shells, SQL and configuration files unquoted.
_ALPHABET = string.ascii_letters + string.digits
DEFAULT_LENGTH = 40
_MASKED_FROM = 8

_asked: contextvars.ContextVar[dict[str, int] | None] = contextvars.ContextVar("asked", default=None)


class SecretsError(Exception):
    """What was asked for cannot be done; nothing was changed."""


@contextlib.contextmanager
def asked() -> t.Iterator[dict[str, int]]:
    """Collect name -> length of every secret that the lookup is asked for inside, in this process."""
    names: dict[str, int] = {}
    token = _asked.set(names)
    try:
        yield names
    finally:
        _asked.reset(token)


def ask(name: str, length: int) -> bool:
    """Write down that a secret is wanted; tell whether somebody collects."""
    names = _asked.get()
    if names is not None:
        names[name] = length
    return names is not None


def masked(text: str, values: t.Iterable[str]) -> str:
    """Return a text without these values; short ones stay, since they would blot out words that are no secret."""
    for value in sorted({value for value in values if len(value) >= _MASKED_FROM}, key=len, reverse=True):
        text = text.replace(value, "********")
    return text


def generate(length: int) -> str:
    """Return a new random value of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _index in range(length))


def fingerprint(value: str) -> str:
    """Return what tells later whether a value is still the one that was generated."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What the file holds. ``generated``: name -> fingerprint; ``previous``: name -> value before a rotation."""

    values: t.Mapping[str, str]
    generated: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    previous: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, content: t.Mapping[str, t.Any]) -> Secrets:
        """Read the file's content."""
        values = {str(k): str(v) for k, v in content.items() if k not in (GENERATED, PREVIOUS)}
        kept = ({str(k): str(v) for k, v in (content.get(key) or {}).items()} for key in (GENERATED, PREVIOUS))
        return cls(values, *kept)

    @property
    def content(self) -> dict[str, t.Any]:
        """The file's content, in Python's own types: Ansible's texts are not."""
        kept = {GENERATED: _plain(self.generated), PREVIOUS: _plain(self.previous)}
        return {**_plain(self.values), **{key: value for key, value in kept.items() if value}}

    def origin(self, name: str) -> str:
        """Tell how a value came about: ``generated`` here, or set ``by hand``."""
        made_here = name in self.previous or self.generated.get(name) == fingerprint(self.values[name])
        return "generated" if made_here else "by hand"

    def created(self, names: t.Mapping[str, int]) -> tuple[Secrets, list[str]]:
        """Add what is missing of name -> length; return also which these were."""
        new = {name: generate(length) for name, length in sorted(names.items()) if name not in self.values}
        marks = {name: fingerprint(value) for name, value in new.items()}
        return dataclasses.replace(self, values={**self.values, **new}, generated={**self.generated, **marks}), sorted(
            new
        )

    def rotated(self, name: str, length: int, wanted: bool, both_ends: bool, force: bool = False) -> Secrets:
        """Give a secret a new value and keep the old one, until ``settled``.

        ``wanted``: something reads it. ``both_ends``: berth sets the value wherever it is checked, as in a database.
        """
        if name not in self.values:
            near = difflib.get_close_matches(name, self.values, n=3, cutoff=0.5) or sorted(self.values)[:5]
            raise SecretsError(f"secret {name}: not found, expected one that is there ({', '.join(near) or 'none is'})")
        if not wanted:
            raise SecretsError(
                f"secret {name}: no app file and no variable reads it, so that a new value would reach nothing. If it "
                "is not needed any more, remove it with ansible-vault edit."
            )
        if not (both_ends or force or self.origin(name) == "generated"):
            raise SecretsError(
                f"secret {name}: found a value that was set by hand, expected a generated one. If it comes from "
                "somebody else, change it there, then with ansible-vault edit, and run site.yml. If a random value "
                "will do, add -e force=true."
            )
        values = {**self.values, name: generate(length)}
        return dataclasses.replace(self, values=values, previous={**self.previous, name: self.values[name]})

    def restored(self, name: str) -> Secrets:
        """Put the value back that was there before the rotation, if it has begun."""
        if name not in self.previous:
            return self
        values = {**self.values, name: self.previous[name]}
        return dataclasses.replace(self, values=values, previous=_without(self.previous, name))

    def settled(self, name: str) -> Secrets:
        """Forget the value from before the rotation: the new one has arrived."""
        if name not in self.previous:
            return self
        marks = {**self.generated, name: fingerprint(self.values[name])}
        return dataclasses.replace(self, generated=marks, previous=_without(self.previous, name))

    def listed(self, readers: t.Mapping[str, t.Sequence[str]]) -> list[dict[str, t.Any]]:
        """Return a row for every secret that is there or wanted, without values. ``readers``: name -> who wants it."""
        return [
            {
                "name": name,
                "present": name in self.values,
                "origin": self.origin(name) if name in self.values else "",
                "readers": list(readers.get(name, ())),
                "unfinished": name in self.previous,
            }
            for name in sorted({*self.values, *readers})
        ]


def described(rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return rows of ``listed`` as lines of a table."""
    cells = [
        (
            row["name"],
            "present" if row["present"] else "MISSING",
            row["origin"] or "-",
            (", ".join(row["readers"]) or "UNUSED") + ("; its rotation did not end" if row["unfinished"] else ""),
        )
        for row in rows
    ]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in range(3)]
    return [
        "  ".join([*(text.ljust(width) for text, width in zip(cell[:3], widths, strict=True)), cell[3]])
        for cell in cells
    ]


def _without(values: t.Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != name}


def _plain(values: t.Mapping[str, str]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items()}
