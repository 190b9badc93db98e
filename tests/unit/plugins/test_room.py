# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib
import types

import pytest
from ansible_collections.berth.server.plugins.module_utils import _room
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2 * 10**9), ("500 mb", 5 * 10**8), ("1GiB", 1 << 30), ("5%", 50), ("0B", 0), ("1.5kB", 1500)],
)
def test_sizes(text: str, expected: int) -> None:
    assert _room.parse_size(text, 1000) == expected


@pytest.mark.parametrize("text", ["", "2", "GB", "-1GB", "2 apples"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="expected a size like 2GB"):
        _room.parse_size(text)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every disk has 10 GB, of which 1 GB is free."""
    found = types.SimpleNamespace(f_bavail=10**6, f_blocks=10**7, f_frsize=1000)
    monkeypatch.setattr(os, "statvfs", lambda _path: found)


@pytest.mark.usefixtures("disk")
@pytest.mark.parametrize(
    ("minimum", "enough"), [("", True), ("1GB", True), ("10%", True), ("2GB", False), ("11%", False)]
)
def test_shortage(minimum: str, enough: bool) -> None:
    message = _room.shortage("/var/lib/docker", minimum)
    assert (message == "") == enough
    if not enough:
        assert f"needs at least {minimum} free on /var/lib/docker, found 1.0 GB of 10.0 GB" in message
        assert "docker_minimum_free" in message


@pytest.mark.usefixtures("disk")
def test_files_need_their_room_twice() -> None:
    assert _room.shortage_for_files("/srv/x/not/there", [10**8]) == ""
    assert "needs 1.2 GB free on the disk of /srv, found 1.0 GB" in _room.shortage_for_files("/srv", [6 * 10**8])


@pytest.mark.usefixtures("disk")
def test_images_need_what_the_role_wrote_down(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "docker.json"
    monkeypatch.setattr(_room.wanted_for_images, "__defaults__", (str(settings),))
    docker = Docker(lambda _argv: (0, "/var/lib/docker\n", ""))
    docker.need_room()
    settings.write_text('{"minimum_free": "500MB"}', encoding="utf-8")
    docker.need_room()
    settings.write_text('{"minimum_free": "2GB"}', encoding="utf-8")
    with pytest.raises(DockerError, match="An image is to be fetched or built, which needs at least 2GB"):
        docker.need_room()
