"""The machine's own apt configuration, read so that bases and images use the same mirrors.

Formats: sources.list(5), one-line and deb822. Nothing read here is written into the repository.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Asked of `apt-config dump`: what decides whether a mirror is reached and believed.
CARRIED_OPTIONS = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
_CODENAME = re.compile(r"^(?P<codename>bullseye|bookworm|trixie|forky|sid)(?P<pocket>-updates|-security|/updates)?$")


@dataclass(frozen=True)
class Source:
    """One archive: where it is, which suites and components, which key signs it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = DEBIAN_KEYRING

    def deb822(self) -> str:
        """Return the stanza for a `.sources` file."""
        return (
            f"Types: deb\nURIs: {self.uri}\nSuites: {' '.join(self.suites)}\n"
            f"Components: {' '.join(self.components)}\nSigned-By: {self.signed_by}\n"
        )


DEFAULT_SOURCES = (
    Source("http://deb.debian.org/debian", ("trixie", "trixie-updates"), ("main",)),
    Source("http://deb.debian.org/debian-security", ("trixie-security",), ("main",)),
)


def read_sources(root: Path = Path("/etc/apt")) -> list[Source]:
    """Return the enabled binary archives of the machine, in file order; none where there is no apt."""
    sources: list[Source] = []
    one_line = [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]
    for path in one_line:
        if path.is_file():
            sources.extend(parse_one_line(path.read_text()))
    for path in sorted((root / "sources.list.d").glob("*.sources")):
        sources.extend(parse_deb822(path.read_text()))
    return sources


def parse_one_line(text: str) -> Iterator[Source]:
    """Parse `deb [options] uri suite component...` lines."""
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[(?P<options>[^]]*)]\s*)?(?P<rest>[^#]+)", line)
        if not match:
            continue
        uri, suite, *components = match["rest"].split()
        options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
        yield Source(uri, (suite,), tuple(components), options.get("signed-by", DEBIAN_KEYRING))


def parse_deb822(text: str) -> Iterator[Source]:
    """Parse the stanzas of a `.sources` file; one Source per URI."""
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", DEBIAN_KEYRING),
            )


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            fields[name] = f"{fields[name]}\n{line}" if name else ""
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def for_release(sources: list[Source], codename: str) -> list[Source]:
    """Return the Debian archives among ``sources`` with their suites renamed to those of ``codename``.

    An archive counts as Debian's when its suites carry a Debian codename and its components include main. Where none is
    found (no apt, Ubuntu) the answer is Debian's own mirror.
    """
    found: list[Source] = []
    for source in sources:
        matches = [_CODENAME.match(suite) for suite in source.suites]
        pockets = [match["pocket"] or "" for match in matches if match]
        if not pockets or "main" not in source.components:
            continue
        suites = tuple(codename + pocket.replace("/updates", "-security") for pocket in pockets)
        renamed = replace(source, suites=suites)
        if renamed not in found:
            found.append(renamed)
    if not any(codename in source.suites for source in found):
        return [
            replace(source, suites=tuple(s.replace("trixie", codename) for s in source.suites))
            for source in DEFAULT_SOURCES
        ]
    return found


def mirror(sources: list[Source], codename: str) -> Source:
    """Return the archive that debootstrap should read ``codename`` from."""
    return next(source for source in sources if codename in source.suites)


def carried_options() -> str:
    """Return the machine's own apt options that images need too, as an apt.conf."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    return select_options(dump)


def select_options(dump: str) -> str:
    """Pick CARRIED_OPTIONS out of the text of `apt-config dump`; empty values are left out."""
    lines = []
    for line in dump.splitlines():
        name, _, value = line.partition(" ")
        if name in CARRIED_OPTIONS and value.strip('"; '):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)
