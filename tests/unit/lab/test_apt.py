"""The machine's apt configuration: both formats, and what a base is built from."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import apt
from lab.apt import DEBIAN_KEYRING, Source

DEB822 = """\
Types: deb deb-src
# where it comes from
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /etc/apt/keyrings/company.gpg
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "deb http://m.example/debian bookworm main contrib\n",
            [Source("http://m.example/debian", ("bookworm",), ("main", "contrib"))],
            id="plain",
        ),
        pytest.param(
            "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian trixie main # why\n",
            [Source("http://m.example/debian", ("trixie",), ("main",), "/k.gpg")],
            id="options-and-comment",
        ),
        pytest.param("# deb http://m.example/debian bookworm main\n", [], id="commented-out"),
        pytest.param("deb-src http://m.example/debian bookworm main\n", [], id="source-packages"),
        pytest.param("", [], id="empty"),
    ],
)
def test_parse_one_line(text: str, expected: list[Source]) -> None:
    assert list(apt.parse_one_line(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            DEB822,
            [
                Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main", "contrib")),
                Source(
                    "http://mirror.example/debian-security",
                    ("bookworm-security",),
                    ("main",),
                    "/etc/apt/keyrings/company.gpg",
                ),
            ],
            id="two-stanzas",
        ),
        pytest.param("Enabled: no\n" + DEB822.split("\n\n")[1], [], id="disabled"),
        pytest.param(
            "Types: deb-src\nURIs: http://m.example\nSuites: trixie\nComponents: main\n", [], id="source-packages"
        ),
        pytest.param(
            "types: deb\nuris: http://a.example\n  http://b.example\nsuites: trixie\ncomponents: main\n",
            [Source(f"http://{host}.example", ("trixie",), ("main",)) for host in "ab"],
            id="lower-case-and-two-uris",
        ),
        pytest.param(
            "Types: deb\nURIs: http://a.example\nSuites: trixie\nComponents: main\nSigned-By:\n --BEGIN\n .\n --END\n",
            [Source("http://a.example", ("trixie",), ("main",), "\n --BEGIN\n .\n --END")],
            id="key-inside",
        ),
        pytest.param("", [], id="empty"),
    ],
)
def test_parse_deb822(text: str, expected: list[Source]) -> None:
    assert list(apt.parse_deb822(text)) == expected


def test_deb822_round_trip() -> None:
    sources = list(apt.parse_deb822(DEB822))
    assert list(apt.parse_deb822("\n".join(source.deb822() for source in sources))) == sources


def test_read_sources_reads_all_files(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example trixie main\n")
    (tmp_path / "sources.list.d/two.list").write_text("deb http://two.example trixie main\n")
    (tmp_path / "sources.list.d/three.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/four.list.disabled").write_text("deb http://four.example trixie main\n")
    uris = [source.uri for source in apt.read_sources(tmp_path)]
    assert uris[:2] == ["http://one.example", "http://two.example"]
    assert len(uris) == 4


def test_read_sources_without_apt(tmp_path: Path) -> None:
    assert apt.read_sources(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("sources", "release", "expected"),
    [
        pytest.param(
            list(apt.parse_deb822(DEB822)),
            "trixie",
            [
                ("http://mirror.example/debian", ("trixie", "trixie-updates")),
                ("http://mirror.example/debian-security", ("trixie-security",)),
            ],
            id="other-release",
        ),
        pytest.param(
            [
                Source("http://m/debian", ("bookworm",), ("main",)),
                Source("http://packages.example", ("stable",), ("main",)),
            ],
            "bookworm",
            [("http://m/debian", ("bookworm",))],
            id="foreign-archive-left-out",
        ),
        pytest.param(
            [Source("http://m/debian", ("bookworm",), ("main",)), Source("http://m/debian", ("trixie",), ("main",))],
            "trixie",
            [("http://m/debian", ("trixie",))],
            id="once",
        ),
        pytest.param(
            [Source("http://archive.example/ubuntu", ("noble",), ("main",))],
            "bookworm",
            [
                ("http://deb.debian.org/debian", ("bookworm", "bookworm-updates")),
                ("http://deb.debian.org/debian-security", ("bookworm-security",)),
            ],
            id="ubuntu",
        ),
        pytest.param(
            [],
            "trixie",
            [
                ("http://deb.debian.org/debian", ("trixie", "trixie-updates")),
                ("http://deb.debian.org/debian-security", ("trixie-security",)),
            ],
            id="no-apt",
        ),
    ],
)
def test_for_release(sources: list[Source], release: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    found = apt.for_release(sources, release)
    assert [(source.uri, source.suites) for source in found] == expected
    assert release in apt.mirror(found, release).suites


def test_default_key_is_debians() -> None:
    assert next(apt.parse_one_line("deb http://m trixie main")).signed_by == DEBIAN_KEYRING


def test_select_options() -> None:
    dump = (
        'APT "";\nAcquire::http::Proxy "http://proxy.example:3128";\nAcquire::https::Proxy "";\n'
        'Acquire::Check-Date "false";\nDir::Cache "var/cache/apt";\n'
    )
    assert apt.select_options(dump) == (
        'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Date "false";\n'
    )
