# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import socket
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._candidate import candidate, own_mounts
from ansible_collections.berth.server.plugins.module_utils._files import File


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        (["/s/conf:/etc/x:ro"], {"conf": "/etc/x"}),
        (["/s:/etc/x"], {".": "/etc/x"}),
        ([{"type": "bind", "source": "/s/a/b", "target": "/t"}], {"a/b": "/t"}),
        (["data:/data", "/data", "/other/conf:/etc/x", "/stack:/etc/x"], {}),
        (None, {}),
    ],
    ids=["within", "the directory itself", "long form", "volumes and other places", "none"],
)
def test_own_mounts(volumes: t.Any, expected: dict[str, str]) -> None:
    assert own_mounts({"volumes": volumes}, "/s") == expected


def test_candidate_holds_what_is_there_and_over_it_what_is_wanted(tmp_path: pathlib.Path) -> None:
    live = tmp_path / "live"
    (live / "conf/deep").mkdir(parents=True)
    (live / "conf/kept").write_text("kept", encoding="utf-8")
    (live / "conf/kept").chmod(0o640)
    (live / "conf/deep/changed").write_text("old", encoding="utf-8")
    (live / "conf/link").symlink_to("/etc/shadow")
    (live / "other").write_text("not asked for", encoding="utf-8")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(live / "conf/socket"))
        with candidate(str(live), [File("conf/deep/changed", "new", mode=0o600)], ["conf", "absent"]) as place:
            found = {p.relative_to(place).as_posix(): p for p in pathlib.Path(place).rglob("*")}
            assert sorted(found) == ["absent", "conf", "conf/deep", "conf/deep/changed", "conf/kept"]
            assert found["conf/deep/changed"].read_text(encoding="utf-8") == "new"
            assert found["conf/kept"].stat().st_mode & 0o777 == 0o640
    assert not pathlib.Path(place).exists()
    assert (live / "conf/deep/changed").read_text(encoding="utf-8") == "old"
