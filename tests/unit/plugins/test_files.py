# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import grp
import os
import pathlib
import pwd
import stat

import pytest
from ansible_collections.berth.server.plugins.module_utils import _files
from ansible_collections.berth.server.plugins.module_utils._files import File, FileTransaction, FoundFile, read_file

ME, GROUP = os.getuid(), os.getgid()


def mine(path: str, content: str, mode: int = 0o644, sensitive: bool = False) -> File:
    return File(path, content, ME, GROUP, mode, sensitive)


def test_missing_file_is_none(tmp_path: pathlib.Path) -> None:
    assert read_file(str(tmp_path / "x")) is None


@pytest.mark.parametrize("content", ["", "a\nb", "a\r\nb\r", "é\u2028", "a\udcff"], ids=ascii)
def test_content_and_mode_round_trip(tmp_path: pathlib.Path, content: str) -> None:
    path = str(tmp_path / "deep" / "er" / "file")
    _files.write_atomically(path, content, ME, GROUP, 0o640)
    assert read_file(path) == FoundFile(content, ME, GROUP, 0o640)


def test_umask_does_not_matter(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o077)
    try:
        _files.write_atomically(str(tmp_path / "a"), "", ME, GROUP, 0o666)
        _files.make_directory(str(tmp_path / "d"), 0o755, ME, GROUP)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o755


def test_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        _files.write_atomically(str(path), "new", ME, GROUP)
        assert reader.read() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text(encoding="utf-8") == "new"


def test_failed_write_keeps_the_old_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        _files.write_atomically(str(path), "new", ME, GROUP)
    assert [(p.name, p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()] == [("file", "old")]


def test_existing_directory_is_left_as_it_is(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o711)
    _files.make_directory(str(tmp_path), 0o755, ME, GROUP)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o711


FOUND = FoundFile("a", ME, GROUP, 0o644)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(FOUND, False, id="same"),
        pytest.param(None, True, id="missing"),
        pytest.param(FoundFile("b", ME, GROUP, 0o644), True, id="content"),
        pytest.param(FoundFile("a", ME, GROUP, 0o600), True, id="mode"),
        pytest.param(FoundFile("a", ME + 1, GROUP, 0o644), True, id="owner"),
        pytest.param(FoundFile("a", ME, GROUP + 1, 0o644), True, id="group"),
    ],
)
def test_differs(found: FoundFile | None, expected: bool) -> None:
    assert _files.differs(mine("f", "a"), found) is expected


def test_transaction_writes_removes_and_undoes(tmp_path: pathlib.Path) -> None:
    for name, mode in (("changed", 0o600), ("gone", 0o640)):
        (tmp_path / name).write_text(name, encoding="utf-8")
        (tmp_path / name).chmod(mode)
    transaction = FileTransaction(str(tmp_path))
    transaction.write(mine("changed", "1", 0o644))
    transaction.write(mine("changed", "2", 0o644))
    transaction.write(mine("sub/new", "3"))
    transaction.remove("gone")
    transaction.remove("never")
    assert (tmp_path / "changed").read_text(encoding="utf-8") == "2"
    assert not (tmp_path / "gone").exists()
    transaction.undo()
    assert read_file(str(tmp_path / "changed")) == FoundFile("changed", ME, GROUP, 0o600)
    assert read_file(str(tmp_path / "gone")) == FoundFile("gone", ME, GROUP, 0o640)
    assert not (tmp_path / "sub" / "new").exists()


def test_undo_twice_does_nothing_more(tmp_path: pathlib.Path) -> None:
    transaction = FileTransaction(str(tmp_path))
    transaction.write(mine("new", "1"))
    transaction.undo()
    (tmp_path / "new").write_text("somebody else's", encoding="utf-8")
    transaction.undo()
    assert (tmp_path / "new").exists()


def test_difference_shows_content_owner_and_mode() -> None:
    shown = _files.describe_difference("/d", File("f", "new\n", 5, 6, 0o600), FoundFile("old\n", 1, 2, 0o644))
    assert shown == {
        "before_header": "/d/f (1:2 0644)",
        "after_header": "/d/f (5:6 0600)",
        "before": "old\n",
        "after": "new\n",
    }


def test_difference_of_a_new_file() -> None:
    shown = _files.describe_difference("/d", File("f", "new\n"), None)
    assert (shown["before_header"], shown["before"]) == ("/d/f (absent)", "")


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        pytest.param(None, True, id="new"),
        pytest.param(FoundFile("hunter1", 0, 0, 0o600), True, id="changed"),
        pytest.param(FoundFile("hunter2", 0, 0, 0o644), False, id="only its mode"),
    ],
)
def test_difference_of_a_sensitive_file_shows_no_content(found: FoundFile | None, differs: bool) -> None:
    shown = _files.describe_difference("/d", File("f", "hunter2", sensitive=True), found)
    assert "hunter" not in str(shown)
    assert (shown["before"] != shown["after"]) is differs


def test_owners_by_name_and_by_number() -> None:
    user, group = pwd.getpwall()[-1], grp.getgrall()[-1]
    assert _files.user_id(user.pw_name) in (user.pw_uid, ME)
    assert _files.group_id(group.gr_name) in (group.gr_gid, GROUP)


@pytest.mark.skipif(ME != 0, reason="only root gives files away")
def test_number_need_not_be_known_to_the_server(tmp_path: pathlib.Path) -> None:
    FileTransaction(str(tmp_path)).write(File("f", "", "54321", 54322, 0o600))
    assert read_file(str(tmp_path / "f")) == FoundFile("", 54321, 54322, 0o600)


@pytest.mark.skipif(ME != 0, reason="only root looks names up here")
@pytest.mark.parametrize("look_up", [_files.user_id, _files.group_id])
def test_unknown_name_is_an_error_that_modules_report(look_up: type) -> None:
    with pytest.raises((OSError, ValueError), match="no-such-name"):
        look_up("no-such-name")
