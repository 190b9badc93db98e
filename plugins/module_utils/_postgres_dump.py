# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Postgres dump: which form it has, and its SQL without what belongs to the server that it comes from."""

from __future__ import annotations

import gzip
import re
import typing as t
import zlib

GZIP_MAGIC = b"\x1f\x8b"
CUSTOM_MAGIC = b"PGDMP"
TAR_MAGIC = b"ustar"
BEGIN = b"-- PostgreSQL database dump"
COMPLETE = b"-- PostgreSQL database dump complete"

# Owners, rights and roles of the old server, its database's own settings, and what only a superuser may say. The owner
# who imports owns all that he creates.
_DROPPED = re.compile(
    rb"\s*(?:ALTER\s[^;'$]*?\sOWNER\s+TO\s|GRANT\s|REVOKE\s|ALTER\s+DEFAULT\s+PRIVILEGES\s|COMMENT\s+ON\s+EXTENSION\s"
    rb"|SET\s+SESSION\s+AUTHORIZATION\s|(?:CREATE|ALTER|DROP)\s+DATABASE\s|COMMENT\s+ON\s+DATABASE\s"
    # An older psql's server does not know it, and 0 is its default.
    rb"|SET\s+transaction_timeout\s*=\s*0)",
    re.IGNORECASE,
)
_CONNECT = re.compile(rb"\\c(?:onnect)?\s")
_COPY = re.compile(rb"COPY\s.*\sFROM\s+stdin\b.*;\s*\Z", re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(rb"--[^\n]*|/\*|[eE]'|'|\"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|;")
_ENDS: t.Mapping[bytes, re.Pattern[bytes]] = {
    b"'": re.compile(rb"'"),
    b'"': re.compile(rb'"'),
    # With E in front a backslash takes away the next character's meaning.
    b"E'": re.compile(rb"(?:[^'\\]|\\.)*'", re.DOTALL),
    b"/*": re.compile(rb"\*/"),
}


class DumpError(Exception):
    """The file is no dump that can be imported."""


def opened(path: str) -> tuple[t.BinaryIO, bool]:
    """Open a dump, unpacked where it is gzip's; return it and whether it is in pg_dump's custom format."""
    try:
        with open(path, "rb") as probe:
            packed = probe.read(2) == GZIP_MAGIC
        with gzip.open(path) if packed else open(path, "rb") as probe:
            start = probe.read(512)
    except (OSError, EOFError, zlib.error) as error:
        raise DumpError(f"{path}: {getattr(error, 'strerror', None) or error}; expected a dump of pg_dump") from error
    if start[257:262] == TAR_MAGIC:
        raise DumpError(f"{path}: found a tar archive, expected pg_dump's plain or custom format, also packed by gzip")
    if not start:
        raise DumpError(f"{path}: found an empty file, expected a dump of pg_dump")
    stream = gzip.open(path) if packed else open(path, "rb")  # noqa: SIM115 - the caller closes it
    return t.cast("t.BinaryIO", stream), start.startswith(CUSTOM_MAGIC)


def own_statements(lines: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the lines of a plain dump that are to be run: all but the statements of ``_DROPPED``, and data untouched.

    A dropped statement leaves empty lines, so that psql's line numbers are the dump's.
    """
    copying = dropping = inside = begun = complete = False
    end: re.Pattern[bytes] | None = None
    for line in _read_well(lines):
        if copying:
            copying = line.rstrip(b"\r\n") != b"\\."
            yield line
            continue
        if not inside and end is None:
            begun = begun or line.startswith(BEGIN)
            complete = complete or line.startswith(COMPLETE)
            if _CONNECT.match(line):
                yield b"\n"
                continue
            dropping = bool(_DROPPED.match(line))
            copying = bool(_COPY.match(line))
        yield b"\n" if dropping else line
        end, inside = _after(line, end, inside)
    if begun and not complete:
        raise DumpError(f"the dump is cut off: found no line {COMPLETE.decode()!r}, expected it at its end")


def _read_well(lines: t.Iterable[bytes]) -> t.Iterator[bytes]:
    try:
        yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise DumpError(f"the dump is damaged: {error}") from error


def _after(line: bytes, end: re.Pattern[bytes] | None, inside: bool) -> tuple[re.Pattern[bytes] | None, bool]:
    """Return what ends the quotation that the line leaves open, if any, and whether a statement goes on."""
    place = 0
    while place < len(line):
        if end is not None:
            match = end.search(line, place) if end is not _ENDS[b"E'"] else end.match(line, place)
            if not match:
                return end, inside
            end, place = None, match.end()
            continue
        match = _TOKEN.search(line, place)
        between = line[place : match.start() if match else len(line)]
        inside = inside or bool(between.strip())
        if not match:
            break
        token, place = match.group().upper() if match.group() == b"e'" else match.group(), match.end()
        if token == b";":
            inside = False
        elif not token.startswith(b"--"):
            inside = inside or token != b"/*"
            end = _ENDS.get(token) or re.compile(re.escape(token))
    return end, inside
