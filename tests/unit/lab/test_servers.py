"""Names of servers and the name servers that they ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import servers
from lab.errors import LabError


@pytest.mark.parametrize("name", ["demo", "molecule-default", "a", "a1", "0"])
def test_good_names(name: str) -> None:
    servers.check_name(name)


@pytest.mark.parametrize("name", ["", "Demo", "a_b", "-a", "a-", "a.b", "a b", "a" * 43, "registry", "outside", "../x"])
def test_bad_names(name: str) -> None:
    with pytest.raises(LabError, match="expected lower case letters"):
        servers.check_name(name)


@pytest.mark.parametrize(
    ("etc", "run", "expected"),
    [
        pytest.param(
            "nameserver 192.0.2.1\nsearch example\n", None, "nameserver 192.0.2.1\nsearch example\n", id="real"
        ),
        pytest.param(
            "nameserver 127.0.0.53\n", "nameserver 192.0.2.2\n", "nameserver 192.0.2.2\n", id="systemd-resolved"
        ),
        pytest.param("nameserver 127.0.0.1\nnameserver 192.0.2.3\n", None, "nameserver 192.0.2.3\n", id="one-of-two"),
        pytest.param("nameserver 2001:db8::1\n", None, "nameserver 2001:db8::1\n", id="ipv6"),
    ],
)
def test_resolver_configuration(tmp_path: Path, etc: str, run: str | None, expected: str) -> None:
    (tmp_path / "run/systemd/resolve").mkdir(parents=True)
    (tmp_path / "resolv.conf").write_text(etc)
    if run is not None:
        (tmp_path / "run/systemd/resolve/resolv.conf").write_text(run)
    assert servers.resolver_configuration(tmp_path, tmp_path / "run") == expected


@pytest.mark.parametrize("etc", ["nameserver ::1\n", "search example\n", None])
def test_no_resolver(tmp_path: Path, etc: str | None) -> None:
    if etc is not None:
        (tmp_path / "resolv.conf").write_text(etc)
    with pytest.raises(LabError, match="names none but loopback"):
        servers.resolver_configuration(tmp_path, tmp_path / "run")


def test_the_clock_is_kept_back_as_long_as_the_host_can() -> None:
    drops = [confinement.get("cap_drop", []) for confinement in servers.CONFINEMENTS.values()]
    assert ["SYS_TIME" in drop for drop in drops] == [True, True, False, False]
